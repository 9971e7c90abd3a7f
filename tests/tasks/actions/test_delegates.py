"""Naming who decides while one is away: proposed by whoever is away, agreed to by another. S22, S29."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils.timezone import localdate

from approvals import actions as approvals
from approvals.models import Absence, ApprovalRequest
from approvals.requests.policy import NotEligible, OwnRequest, to_decide
from audit.context import Door
from audit.database.clock import database_now
from tasks.access.rights import NotGranted
from tasks.actions import NotProposed, propose_delegate
from tasks.actions.changes.delegates import LONGEST, days_in_words, decided_by
from tests.delegates import stand_in
from tests.people import person
from tests.tasks.admin.reading import signed_in, url, words

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "approvals_absence_changelist"


@pytest.fixture
def erin(task):
    return person("Erin", is_superuser=True)


@pytest.fixture
def evan(erin):
    return person("Evan", is_superuser=True)


@pytest.fixture
def propose(bob, dave, evan):
    def propose_it(of=bob, delegate=dave, *, by=bob, starts=timedelta(), days=7):
        starts_at = database_now() + starts
        return propose_delegate(
            of,
            delegate,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(days=days),
            by=by,
            door=Door.ADMIN,
            reason="On holiday",
        )

    return propose_it


def answer(proposed_change, by, verdict="approve"):
    request = proposed_change.approval
    approvals.decide(
        request.pk, decided_by=by, verdict=verdict, seal=request.seal, door=Door.ADMIN, reason="So"
    )
    proposed_change.refresh_from_db()
    return ApprovalRequest.objects.get(pk=request.pk)


def asked(proposed_change):
    reviewers = proposed_change.approval.stages.get().reviewers
    return set(reviewers.values_list("person__username", flat=True))


# --- Proposing and agreeing -----------------------------------------------------------------------


def test_it_begins_when_another_has_agreed(propose, bob, dave, erin):
    proposed_change = propose()
    assert not Absence.objects.exists()
    assert asked(proposed_change) == {"erin", "evan"}
    assert answer(proposed_change, erin).status == "approved"
    absence = Absence.objects.get()
    assert (absence.person, absence.delegate) == (bob, dave)


def test_what_is_rejected_never_begins(propose, erin):
    answer(propose(), erin, "reject")
    assert not Absence.objects.exists()


def test_nobody_agrees_to_their_own_or_to_standing_in(propose, bob, erin, evan):
    proposed_change = propose(delegate=evan)
    assert asked(proposed_change) == {"erin"}
    with pytest.raises(NotEligible):
        answer(proposed_change, evan)
    with pytest.raises(OwnRequest):
        answer(proposed_change, bob)


def test_an_administrator_proposes_for_who_fell_ill(propose, erin, evan):
    proposed_change = propose(by=erin)
    assert asked(proposed_change) == {"evan"}
    assert answer(proposed_change, evan).status == "approved"


def test_nobody_else_proposes_it(propose, mallory):
    with pytest.raises(NotGranted):
        propose(delegate=mallory, by=mallory)


def test_without_anybody_who_looks_after_people_nobody_makes_it_alone(bob, dave):
    with pytest.raises(NotProposed):
        stand_in(dave, for_=bob, by=bob)


def test_one_change_of_one_person_waits_at_a_time(propose, bob, carol, mallory):
    propose()
    with pytest.raises(NotProposed):
        propose(delegate=mallory)
    assert propose(of=carol, by=carol)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("until", {"days": LONGEST.days + 1}),
        ("until", {"days": 0}),
        ("until", {"starts": timedelta(days=-9), "days": 7}),
    ],
)
def test_times_that_cannot_be_are_refused_beside_their_field(propose, field, said):
    with pytest.raises(ValidationError) as refused:
        propose(**said)
    assert field in refused.value.message_dict


def test_one_cannot_stand_in_for_oneself(propose, bob):
    with pytest.raises(ValidationError):
        propose(delegate=bob)


def test_a_deactivated_account_decides_for_nobody(propose, dave):
    dave.is_active = False
    dave.save()
    with pytest.raises(ValidationError):
        propose()


def test_two_do_not_stand_in_at_once(propose, erin, mallory):
    answer(propose(), erin)
    with pytest.raises(ValidationError, match="End it first"):
        propose(delegate=mallory, starts=timedelta(days=2))
    assert propose(delegate=mallory, starts=timedelta(days=8))


def test_what_does_not_fit_any_more_is_not_made(propose, erin, dave):
    proposed_change = propose()
    dave.is_active = False
    dave.save()
    assert answer(proposed_change, erin).status == "stale"
    assert not Absence.objects.exists()


def test_whoever_agrees_reads_what_is_lent(propose, bob, task):
    rule = task.rules.get()
    facts = dict(propose().approval.shown["facts"])
    assert str(rule) in facts[f"What {bob} (bob) can decide"]
    assert f"{rule} ({rule.task})" in decided_by(bob)


def test_days_are_said_as_people_say_them(bob, root, dave):
    absence = stand_in(dave, for_=bob, by=root)
    said = days_in_words(absence.starts_at, absence.ends_at)
    assert said.startswith(f"{absence.starts_at.day} {absence.starts_at:%b %Y} to ")


# --- A run ----------------------------------------------------------------------------------------


def test_a_run_is_approved_by_who_stands_in(ask, work, bob, dave, root):
    stand_in(dave, for_=bob, by=root)
    run = ask("150.00")
    assert list(to_decide(dave)) == [run.approval]
    approve(run, dave)
    assert work(run).status == "succeeded"


def test_a_run_whose_absence_was_ended_before_it_began_does_not_begin(ask, work, bob, dave, root):
    absence = stand_in(dave, for_=bob, by=root)
    run = ask("150.00")
    approve(run, dave)
    approvals.end_absence(absence.pk, by=bob, door=Door.ADMIN, reason="Back")
    assert work(run).status == "stale"


def approve(run, by):
    request = run.approval
    approvals.decide(
        request.pk, decided_by=by, verdict="approve", seal=request.seal, door=Door.ADMIN
    )


# --- The page -------------------------------------------------------------------------------------


def filled(delegate, **said):
    today = localdate()
    return {
        "delegate": delegate.pk,
        "first": today.isoformat(),
        "until": (today + timedelta(days=3)).isoformat(),
        "reason": "On holiday",
        **said,
    }


def test_who_is_away_says_so_and_sees_that_it_waits(bob, dave, evan):
    client = signed_in(bob)
    answered = client.post(url(PAGE), filled(dave))
    assert answered.status_code == 302
    shown = words(client.get(url(PAGE)))
    assert "Let Dave Example (dave) decide for Bob Example (bob)" in shown
    assert "Evan Example" in shown


def test_the_last_day_belongs_to_it(bob, dave, root):
    client = signed_in(root)
    client.post(url(PAGE), filled(dave, person=bob.pk))
    absence = Absence.objects.get()
    assert absence.ends_at - absence.starts_at >= timedelta(days=3, hours=23)


def test_only_who_looks_after_people_names_others(bob, carol, dave, evan):
    client = signed_in(bob)
    assert "Somebody is out of office" not in words(client.get(url(PAGE)))
    client.post(url(PAGE), filled(dave, person=carol.pk))
    request = ApprovalRequest.objects.get()
    assert "decide for Bob Example" in request.title


def test_nobody_is_offered_as_their_own_delegate(bob, dave, evan):
    client = signed_in(bob)
    offered = words(client.get(url(PAGE)))
    assert "Dave Example (dave)" in offered
    assert "Bob Example (bob)" not in offered
    answered = client.post(url(PAGE), filled(bob))
    assert (answered.status_code, ApprovalRequest.objects.count()) == (400, 0)


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(bob, dave, evan):
    client = signed_in(bob)
    answered = client.post(url(PAGE), filled(dave, until="2020-01-01"))
    assert answered.status_code == 400
    assert "The last day is in the past" in words(answered)
    assert "On holiday" in answered.content.decode()


def test_it_is_ended_from_the_page(bob, dave, root):
    absence = stand_in(dave, for_=bob, by=root)
    client = signed_in(dave)
    assert "Dave Example decides for Bob Example" in words(client.get(url(PAGE)))
    client.post(url("approvals_absence_end", absence.pk))
    absence.refresh_from_db()
    assert absence.ended_at


def test_others_see_nothing_of_it(bob, dave, root, carol):
    absence = stand_in(dave, for_=bob, by=root)
    client = signed_in(carol)
    assert "Dave Example decides for" not in words(client.get(url(PAGE)))
    assert client.post(url("approvals_absence_end", absence.pk)).status_code == 404
