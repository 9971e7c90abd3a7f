"""One table: every door through which a request can be decided, against every attack on it.

Each cell tries the attack and finds that nothing has changed. Where a door cannot know better, the
cell says why. See docs/explanation/attacks.md.
"""

import json
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from approvals import actions
from approvals.channels.links import link_for
from approvals.models import ApprovalRequest, Decision
from approvals.models.deliveries import MailLink
from approvals.requests.policy import StageSpec
from audit.context import Door
from audit.transitions import Refusal
from tests.approvals.channels.slack import deliver, link
from tests.approvals.conftest import SEAL
from tests.doubles.slack import SlackDouble
from tests.doubles.slack.interactions import signed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("slack")]
OTHER: Final = "07e2" * 16  # the seal of another request
BACKEND: Final = "backoffice.sign_in.NameOrEmailBackend"


# --- Doors: each answers a request as a person, with the seal of what that person was shown ----------
# Without one (None) it is left out, as far as the door lets that be done.


def by_page(request, who, verdict, seal, reason):
    client = Client()
    client.force_login(who, backend=BACKEND)
    address = reverse("admin:approvals_approvalrequest_decide", args=[request.pk])
    client.post(address, form(verdict, seal, reason))


def form(verdict, seal, reason):
    fields = {"verdict": verdict, "seal": seal, "reason": reason}
    return {name: value for name, value in fields.items() if value is not None}


def by_page_of_several(request, who, verdict, seal, reason):
    """The page on which several requests are approved together."""
    client = Client()
    client.force_login(who, backend=BACKEND)
    shown = str(request.pk) if seal is None else f"{request.pk}:{seal}"
    client.post(
        reverse("admin:approvals_several"), {"shown": shown, "verdict": verdict, "reason": reason}
    )


def by_mail(request, who, verdict, seal, reason):
    """With links that were sent to that very person, all of them opened: nobody gets closer."""
    client = Client()
    client.force_login(who, backend=BACKEND)
    for each in ApprovalRequest.objects.all():
        client.get(urlsplit(link_for(each, who)).path)
    link = MailLink.objects.get(request=request)
    address = reverse("admin:approvals_by_mail_decide", args=[link.pk])
    client.post(address, form(verdict, seal, reason))


def by_call(request, who, verdict, seal, reason):
    with suppress(Refusal, ValueError):
        actions.decide(
            request.pk, decided_by=who, verdict=verdict, seal=seal, door=Door.COMMAND, reason=reason
        )


def by_sql(request, who, verdict, seal, reason):
    """A row written past every function of ours, and the state with it."""
    row = Decision(
        request=request,
        stage=request.stages.first(),
        requested_by=request.requested_by,
        decided_by=who,
        verdict=verdict,
        seal=seal,
        door="admin",
        reason=reason,
    )
    with suppress(DatabaseError), transaction.atomic():
        Decision.objects.bulk_create([row])


def by_slack(request, who, verdict, seal, reason):
    """With an account that is linked, and whatever button an attacker can put before its owner."""
    user, value = f"U0{who.pk}", {"r": str(request.pk), "s": seal}
    if seal is None:
        del value["s"]
    link(who, user)
    if verdict == "reject":
        modal = {"blocks": [], "private_metadata": json.dumps(value | {"c": "D1", "t": "1.1"})}
        typed = {"reason": {"reason": {"value": reason}}}
        payload = {"type": "view_submission", "view": {**modal, "callback_id": "reject"}}
        payload["view"]["state"] = {"values": typed}
    else:
        action = {"type": "button", "action_id": verdict, "value": json.dumps(value)}
        where = {"type": "message", "channel_id": "D1", "message_ts": "1.1"}
        payload = {"type": "block_actions", "actions": [action], "container": where}
    account = {"user": {"id": user, "team_id": SlackDouble.team}, "team": {"id": SlackDouble.team}}
    deliver(*signed({**payload, **account, "trigger_id": "1"}, SlackDouble.secret))


DOORS: Final = {
    "page": by_page, "several": by_page_of_several, "mail": by_mail, "slack": by_slack, "call": by_call, "sql": by_sql,
}  # fmt: skip


# --- Attacks: each prepares, and says who answers what -------------------------------------------------


SHOWN: Final = object()  # the seal of the request that is answered, as an honest page has it


class Attack:
    """The scene of an attack: people, a request, and the answer that must not count."""

    def __init__(self, request, who, verdict="approve", seal=SHOWN, reason=""):
        self.request, self.who, self.verdict = request, who, verdict
        self.seal, self.reason = request.seal if seal is SHOWN else seal, reason


def own_request(ask, people):
    return Attack(ask(), people["alice"])


def own_request_of_a_superuser(ask, people):
    return Attack(ask(by=people["root"]), people["root"])


def own_request_of_an_approver(ask, people):
    return Attack(ask(by=people["bob"]), people["bob"])


def somebody_who_was_not_asked(ask, people):
    return Attack(ask(), people["mallory"])


def a_superuser_who_was_not_asked(ask, people):
    return Attack(ask(), people["root"])


def somebody_who_joined_later(ask, people):
    request = ask()
    change(actions.add_member, people["mallory"], people)
    return Attack(request, people["mallory"])


def somebody_who_has_left(ask, people):
    request = ask()
    change(actions.remove_member, people["bob"], people)
    return Attack(request, people["bob"])


def somebody_deactivated(ask, people):
    request = ask()
    people["bob"].is_active = False
    people["bob"].save()
    return Attack(request, people["bob"])


def something_that_was_not_shown(ask, people):
    return Attack(ask(), people["bob"], seal="0" * 64)


def the_seal_of_another_request(ask, people):
    """What was on the screen is another request of these days, which this person could decide."""
    return Attack(ask(), people["bob"], seal=ask(seal=OTHER).seal)


def the_seal_of_another_request_to_reject(ask, people):
    seal = ask(seal=OTHER).seal
    return Attack(ask(), people["bob"], "reject", seal=seal, reason="Of that one")


def no_seal(ask, people):
    return Attack(ask(), people["bob"], seal=None)


def an_empty_seal(ask, people):
    return Attack(ask(), people["bob"], seal="")


def a_second_answer(ask, people):
    request = ask(needed=2)
    by_call(request, people["bob"], "approve", request.seal, "")
    return Attack(request, people["bob"])


def a_second_answer_in_another_stage(ask, people):
    stages = [StageSpec(name, 1, [people["approvers"]]) for name in ("First", "Then")]
    request = ask(stages=stages)
    by_call(request, people["bob"], "approve", request.seal, "")
    return Attack(request, people["bob"])


def what_was_withdrawn(ask, people):
    request = ask()
    actions.withdraw(request.pk, by=people["alice"], door=Door.COMMAND)
    return Attack(request, people["bob"])


def what_was_rejected(ask, people):
    request = ask()
    by_call(request, people["carol"], "reject", request.seal, "No")
    return Attack(request, people["bob"])


def what_was_approved(ask, people):
    request = ask()
    by_call(request, people["carol"], "approve", request.seal, "")
    return Attack(request, people["bob"], "reject", reason="Too late")


def a_rejection_without_a_reason(ask, people):
    return Attack(ask(), people["bob"], "reject")


def an_answer_that_is_none(ask, people):
    return Attack(ask(), people["bob"], "maybe", reason="x")


def without_proof(ask, people):
    stages = [StageSpec("Large", 1, [people["approvers"]], fresh_proof=True)]
    return Attack(ask(stages=stages), people["bob"])


def change(member, who, people):
    member(user=who, group=people["approvers"], by=None, door=Door.COMMAND, reason="x")


ATTACKS: Final = (
    own_request, own_request_of_a_superuser, own_request_of_an_approver,
    somebody_who_was_not_asked, a_superuser_who_was_not_asked, somebody_who_joined_later,
    somebody_who_has_left, somebody_deactivated, something_that_was_not_shown,
    the_seal_of_another_request, the_seal_of_another_request_to_reject, no_seal, an_empty_seal,
    a_second_answer, a_second_answer_in_another_stage,
    what_was_withdrawn, what_was_rejected, what_was_approved, a_rejection_without_a_reason,
    an_answer_that_is_none, without_proof,
)  # fmt: skip
# Where a door cannot know better, and what does instead.
CANNOT_KNOW: Final = {
    ("sql", "somebody_who_has_left"): "the claim asks for the groups again: test_execution.py",
}


@pytest.fixture
def people(alice, bob, carol, dave, mallory, root, approvers):
    return {
        "alice": alice, "bob": bob, "carol": carol, "dave": dave, "mallory": mallory,
        "root": root, "approvers": approvers,
    }  # fmt: skip


def state():
    """Of every request: what was answered for another than was shown counts for neither."""
    decisions = sorted(Decision.objects.values_list("pk", "request", "verdict"))
    return sorted(ApprovalRequest.objects.values_list("pk", "status", "seal")), decisions


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_attack_passes_any_door(door, attack, ask, people):
    if (door, attack.__name__) in CANNOT_KNOW:
        pytest.skip(CANNOT_KNOW[door, attack.__name__])
    scene = attack(ask, people)
    before = state()
    DOORS[door](scene.request, scene.who, scene.verdict, scene.seal, scene.reason)
    assert state() == before


@pytest.mark.parametrize("door", DOORS)
def test_an_honest_answer_passes_every_door(door, ask, people):
    """Else a door that is shut to everybody would look safe."""
    request = ask()
    DOORS[door](request, people["bob"], "approve", SEAL, "")
    assert request.decisions.get().seal == SEAL
