"""A request that waits under code that has changed since: every page says so, and no door approves it."""

import pytest
from django.urls import reverse

from approvals.actions import decide_by_link, decide_in_slack
from approvals.channels.email.message import message_for
from approvals.channels.links import link_for
from approvals.channels.slack.message import question_for
from approvals.models.deliveries import Delivery, MailLink
from approvals.requests.outdated import Outdated
from tasks.actions import retire_task
from tasks.declaration.slack import InSlack
from tasks.models import Run
from tasks.runs.outdated import NEWER, OLDER, RETIRED, why_outdated
from tests.approvals.channels.slack import BOB, link, slack
from tests.doubles.slack import SlackDouble
from tests.doubles.slack.double import buttons_of, text_of
from tests.tasks.admin.reading import page_of, signed_in, words

__all__ = ["slack"]

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
OTHER = "2" * 64


@pytest.fixture
def changed(ask, deploy) -> Run:
    """A run that waits, and other code than it was requested under."""
    deploy(slack=InSlack("decide"))
    run = ask()
    deploy(source_hash=OTHER)
    return run


def request_of(run) -> str:
    return reverse("admin:approvals_approvalrequest_change", args=[run.approval_id])


# --- What people read -----------------------------------------------------------------------------


def test_every_page_says_so(changed, alice, bob):
    page = signed_in(bob).get(request_of(changed))
    assert f"{OLDER} It cannot be approved any more" in words(page)
    assert 'value="approve"' not in page.text
    assert 'value="reject"' in page.text
    assert OLDER in words(signed_in(bob).get(reverse("admin:approvals_approvalrequest_changelist")))
    own = words(signed_in(alice).get(page_of(changed)))
    assert f"{OLDER} It cannot be approved any more. Withdraw it, and request it again." in own


def test_so_do_messages(changed, bob):
    email = message_for(Delivery(request=changed.approval, person=bob, asks=True, text="x"))
    assert f"{OLDER} It cannot be approved any more." in email.body
    message = question_for(changed.approval, bob)
    shown = {"text": message.text, "blocks": message.blocks}
    assert OLDER in text_of(shown)
    assert "approve" not in buttons_of(shown)


def test_while_nothing_has_changed_nothing_is_said(ask, bob):
    run = ask()
    assert why_outdated(run) == ""
    assert "cannot be approved any more" not in words(signed_in(bob).get(request_of(run)))


# --- No door approves it --------------------------------------------------------------------------


def by_page(run, who):
    address = reverse("admin:approvals_approvalrequest_decide", args=[run.approval_id])
    sent = {"verdict": "approve", "seal": run.seal, "reason": "Typed with care"}
    answer = signed_in(who).post(address, sent)
    assert "Typed with care" in answer.text
    raise Outdated(words(answer))


def by_mail(run, who):
    link_for(run.approval, who)
    number = MailLink.objects.get().pk
    decide_by_link(number, decided_by=who, verdict="approve", seal=run.seal)


def by_slack(run, who):
    link(who, BOB)
    account = {"team": SlackDouble.team, "user": BOB}
    decide_in_slack(run.approval_id, **account, verdict="approve", seal=run.seal)


@pytest.mark.parametrize("door", [by_page, by_mail, by_slack])
def test_no_door_approves_it(changed, bob, slack, door):
    with pytest.raises(Outdated, match=r"changed since this was requested\. Approving it"):
        door(changed, bob)
    changed.refresh_from_db()
    assert (changed.status, changed.approval.status) == (Status.AWAITING_APPROVAL, "pending")
    assert not changed.approval.decisions.exists()


def test_it_can_still_be_rejected(changed, approve):
    approve(changed, verdict="reject", reason="Request it again")
    assert changed.status == Status.REJECTED


def test_nor_is_a_retired_task_approved(ask, approve, task):
    run = ask()
    retire_task(task)
    with pytest.raises(Outdated, match=RETIRED):
        approve(run)


# --- Which side is old ----------------------------------------------------------------------------


def test_a_web_server_with_newer_code_than_the_workers_is_said_to_be_newer(
    task, ask, approve, deploy, work
):
    deploy(recorded=False, source_hash=OTHER)
    run, waiting = ask("50.00"), ask()
    assert why_outdated(run) == NEWER
    with pytest.raises(Outdated, match="newer code than the workers have"):
        approve(waiting)
    deploy(source_hash=OTHER)
    approve(waiting)
    assert work(waiting).status == Status.SUCCEEDED


def test_what_was_requested_under_code_that_was_deployed_before_is_older(changed, deploy):
    changed.refresh_from_db()
    assert why_outdated(changed) == OLDER
    deploy(source_hash="3" * 64)
    changed.refresh_from_db()
    assert why_outdated(changed) == OLDER
