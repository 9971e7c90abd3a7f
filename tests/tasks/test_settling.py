"""An uncertain run, and the person who looks. Promise 1."""

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from audit.context import Door
from tasks.access import NotGranted, Right
from tasks.actions import Finding, NotSettled, settle_run
from tasks.actions.effects import KEY_LIVES
from tasks.actions.grants import set_right
from tasks.errors import OutcomeUnknown
from tasks.models import Effect, Run
from tests.tasks.test_execution import raising

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.fixture
def administrator(task, carol):
    set_right(task, Right.CHANGE, to=carol)
    return carol


@pytest.fixture
def uncertain(ask, work, credit) -> Run:
    """A run that sent something and had no answer."""
    credit.behave = lambda run: run.once("pay", lambda key: raising(OutcomeUnknown("?"))(run))
    run = work(ask("50.00"))
    assert run.status == Status.UNCERTAIN
    return run


@pytest.fixture
def settle(administrator):
    def settle_it(run, finding, *, by=administrator, reason="Looked at the provider's page"):
        settle_run(run.pk, finding=finding, by=by, door=Door.ADMIN, reason=reason)
        run.refresh_from_db()
        return run

    return settle_it


@pytest.fixture
def idempotent(task):
    type(task).objects.filter(pk=task.pk).update(idempotent=True)


@pytest.mark.parametrize(
    ("finding", "status"),
    [(Finding.HAPPENED, Status.SUCCEEDED), (Finding.DID_NOT, Status.FAILED)],
)
def test_what_was_found_ends_the_run(uncertain, settle, administrator, finding, status):
    run = settle(uncertain, finding)
    row = run.history.first()
    assert (run.status, row.status, row.history_user) == (status, status, administrator)
    assert row.history_change_reason == "Looked at the provider's page"


def test_it_is_sent_again_under_the_same_key(uncertain, settle, work, credit, idempotent):
    keys = []
    credit.behave = lambda run: run.once("pay", lambda key: keys.append(key) or {})
    run = settle(uncertain, Finding.SEND_AGAIN)
    assert work(run).status == Status.SUCCEEDED
    assert keys == [Effect.objects.get().key]


def test_a_task_that_may_not_be_sent_again_is_not(uncertain, settle):
    with pytest.raises(NotSettled, match="cannot be sent again"):
        settle(uncertain, Finding.SEND_AGAIN)


def test_a_key_that_may_be_forgotten_is_not_sent(uncertain, settle, idempotent):
    Effect.objects.update(sent_at=Now() - KEY_LIVES)
    with pytest.raises(NotSettled, match="23 hours"):
        settle(uncertain, Finding.SEND_AGAIN)


def test_who_asked_does_not_settle(uncertain, settle, task, alice):
    set_right(task, Right.CHANGE, to=alice)
    with pytest.raises(NotSettled, match="somebody else"):
        settle(uncertain, Finding.HAPPENED, by=alice)


def test_who_does_not_administer_the_task_does_not_settle(uncertain, settle, bob):
    with pytest.raises(NotGranted):
        settle(uncertain, Finding.HAPPENED, by=bob)


@pytest.mark.parametrize("blank", ["", " \n"])
def test_it_takes_a_reason(uncertain, settle, blank):
    with pytest.raises(NotSettled, match="Say what"):
        settle(uncertain, Finding.HAPPENED, reason=blank)


def test_it_is_settled_once(uncertain, settle):
    settle(uncertain, Finding.HAPPENED)
    with pytest.raises(NotSettled, match="not uncertain any more"):
        settle(uncertain, Finding.DID_NOT)


def test_a_run_that_is_not_uncertain_is_not_settled(ask, work, settle):
    with pytest.raises(NotSettled):
        settle(work(ask("50.00")), Finding.DID_NOT)


def test_the_page_offers_it_to_those_who_may(uncertain, client, administrator, alice):
    url = reverse("admin:tasks_run_change", args=[uncertain.pk])
    for person, offered in ((administrator, True), (alice, False)):
        client.force_login(person)
        assert ("What did you find?" in client.get(url).content.decode()) is offered


def test_the_page_settles(uncertain, client, administrator):
    client.force_login(administrator)
    url = reverse("admin:tasks_run_settle", args=[uncertain.pk])
    client.post(url, {"finding": "happened", "reason": "Seen on the statement"})
    uncertain.refresh_from_db()
    assert uncertain.status == Status.SUCCEEDED
    page = client.get(reverse("admin:tasks_run_change", args=[uncertain.pk])).content.decode()
    assert "Seen on the statement" in page
    assert "Carol Example" in page


@pytest.mark.parametrize("sent", [{}, {"finding": "whatever", "reason": "x"}])
def test_the_page_explains_what_is_missing(uncertain, client, administrator, sent):
    client.force_login(administrator)
    answer = client.post(reverse("admin:tasks_run_settle", args=[uncertain.pk]), sent, follow=True)
    assert "choose one of the answers" in answer.content.decode()
