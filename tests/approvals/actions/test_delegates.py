"""Who is away, and who decides in their place: one place, and one decision from it. S22."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction
from django.db.models import F
from django.urls import reverse

from approvals import actions
from approvals.actions.absences import AbsenceOver, NotTheirAbsence
from approvals.models import Absence, Decision, Notification, Reviewer
from approvals.requests.explanation import explain
from approvals.requests.inbox import rows
from approvals.requests.policy import (
    AlreadyDecided,
    NotEligible,
    OwnRequest,
    StageSpec,
    to_decide,
    visible_to,
)
from approvals.requests.quorum import quorum_holds, waited_for
from approvals.requests.review_state import ReviewState
from audit.context import Door
from audit.database.clock import database_now
from tests.approvals.conftest import SEAL
from tests.delegates import stand_in
from tests.owner import without_guards
from tests.people import join
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def away(root, bob, dave):
    """Bob is away, and Dave stands in for him."""
    return stand_in(dave, for_=bob, by=root)


@pytest.fixture
def open_one(ask, approvers):
    def open_it(needed=1, **more):
        return ask(stages=[StageSpec("Managers", needed, [approvers], delegates=True, **more)])

    return open_it


def moved(absence, by):
    """Let time pass for an absence: it began and ends so much earlier."""
    with without_guards("approvals_absence"):
        Absence.objects.filter(pk=absence.pk).update(
            starts_at=F("starts_at") - by, ends_at=F("ends_at") - by
        )


def waiting_for(request):
    review = ReviewState.of(request)
    return {each.username for each in waited_for(review, review.open_stage())}


def close(who):
    who.is_active = False
    who.save(update_fields=["is_active"])


# --- Deciding in somebody's place ---------------------------------------------------------------


def test_who_stands_in_decides_and_it_says_for_whom(away, open_one, decide, dave, bob, carol):
    request = open_one()
    assert waiting_for(request) == {"bob", "carol", "dave"}
    assert list(to_decide(dave)) == [request]
    assert decide(request, dave).status == "approved"
    decision = request.decisions.get()
    assert (decision.decided_by, decision.on_behalf_of) == (dave, bob)
    assert quorum_holds(request)


def test_a_stage_without_delegates_asks_none(away, ask, decide, dave):
    request = ask()
    assert not to_decide(dave)
    with pytest.raises(NotEligible):
        decide(request, dave)


def test_who_stands_in_counts_nothing_towards_those_needed(away, open_one):
    with pytest.raises(actions.NobodyCanDecide):
        open_one(3)


@pytest.mark.parametrize("first", ["bob", "dave"])
def test_the_two_share_one_place(away, open_one, decide, bob, dave, first):
    request = open_one(2)
    one, other = (bob, dave) if first == "bob" else (dave, bob)
    decide(request, one)
    assert not to_decide(other)
    assert waiting_for(request) == {"carol"}
    with pytest.raises(AlreadyDecided):
        decide(request, other)


def test_who_stands_in_and_another_are_two(away, open_one, decide, dave, carol):
    request = open_one(2)
    decide(request, dave)
    assert decide(request, carol).status == "approved"


def test_who_decides_for_two_is_still_one(away, open_one, decide, root, carol, dave):
    stand_in(dave, for_=carol, by=root)
    request = open_one(2)
    decide(request, dave)
    with pytest.raises(AlreadyDecided):
        decide(request, dave)


def test_a_later_stage_is_not_decided_from_the_same_place(away, ask, decide, approvers, bob, dave):
    stages = [StageSpec(name, 1, [approvers], delegates=True) for name in ("First", "Second")]
    request = ask(stages=stages)
    decide(request, dave)
    with pytest.raises(AlreadyDecided):
        decide(request, bob)


def test_a_stage_that_may_be_served_twice_lets_the_place_decide_again(
    away, ask, decide, approvers, bob, dave
):
    twice = StageSpec("Second", 1, [approvers], delegates=True, may_serve_twice=True)
    request = ask(stages=[StageSpec("First", 1, [approvers], delegates=True), twice])
    decide(request, dave)
    assert decide(request, bob).status == "approved"


def test_who_has_a_place_of_their_own_uses_that_one(open_one, decide, root, bob, carol):
    stand_in(carol, for_=bob, by=root)
    request = open_one(2)
    decide(request, carol)
    assert request.decisions.get().on_behalf_of is None
    assert waiting_for(request) == {"bob"}


def test_who_asked_never_decides_it_for_another(open_one, decide, root, bob, alice):
    stand_in(alice, for_=bob, by=root)
    request = open_one()
    assert not Reviewer.objects.filter(person=alice)
    with pytest.raises(OwnRequest):
        decide(request, alice)


def test_nobody_decides_for_a_delegate(away, open_one, decide, root, dave, mallory):
    stand_in(mallory, for_=dave, by=root)
    request = open_one()
    with pytest.raises(NotEligible):
        decide(request, mallory)


def test_who_decides_for_an_escalation_waits_for_it_in_their_own_place(away, ask, approvers, dave):
    seniors = Group.objects.create(name="Seniors")
    join(dave, seniors)
    spec = StageSpec(
        "Managers",
        1,
        [approvers],
        delegates=True,
        escalate_after=timedelta(hours=2),
        escalate_to=[seniors],
    )
    ask(stages=[spec])
    places = Reviewer.objects.filter(person=dave)
    assert sorted(bool(place.on_behalf_of_id) for place in places) == [False, True]


# --- When ----------------------------------------------------------------------------------------


def test_it_begins_with_the_absence_and_ends_with_it(open_one, decide, root, bob, dave):
    away = stand_in(dave, for_=bob, by=root, after=timedelta(hours=5), days=1)
    request = open_one()
    assert not visible_to(dave)
    assert not to_decide(dave)
    with pytest.raises(NotEligible):
        decide(request, dave)
    moved(away, timedelta(hours=5))
    assert list(to_decide(dave)) == [request]
    moved(away, timedelta(hours=25))
    assert not to_decide(dave)
    with pytest.raises(NotEligible):
        decide(request, dave)


def test_an_absence_after_the_request_waits_asks_nobody(open_one, root, bob, dave):
    open_one()
    stand_in(dave, for_=bob, by=root, after=timedelta(days=2))
    assert not Reviewer.objects.filter(person=dave)


def test_nobody_joins_what_was_asked_before(open_one, decide, root, bob, dave):
    request = open_one()
    stand_in(dave, for_=bob, by=root)
    with pytest.raises(NotEligible):
        decide(request, dave)


def test_what_was_agreed_to_stands_when_the_absence_is_over(away, open_one, decide, dave):
    request = decide(open_one(), dave)
    moved(away, timedelta(days=6))
    with without_guards("approvals_decision"):
        Decision.objects.update(decided_at=F("decided_at") - timedelta(days=6))
    moved(away, timedelta(days=1))
    assert quorum_holds(request)


def test_ended_early_it_counts_no_more(away, open_one, decide, bob, dave):
    request = decide(open_one(), dave)
    waits = open_one()
    actions.end_absence(away.pk, by=bob, door=Door.ADMIN, reason="Back")
    assert not quorum_holds(request)
    assert not to_decide(dave)
    with pytest.raises(NotEligible):
        decide(waits, dave)


@pytest.mark.parametrize("who", ["bob", "dave", "root"])
def test_who_is_concerned_ends_it(away, request, who):
    actions.end_absence(away.pk, by=request.getfixturevalue(who), door=Door.ADMIN)
    with pytest.raises(AbsenceOver):
        actions.end_absence(away.pk, by=request.getfixturevalue(who), door=Door.ADMIN)


def test_nobody_else_ends_it(away, carol):
    with pytest.raises(NotTheirAbsence):
        actions.end_absence(away.pk, by=carol, door=Door.ADMIN)


def test_both_are_told(away, bob, dave, root):
    told = Notification.objects.filter(event="delegate").values_list("person__username", flat=True)
    assert set(told) == {"bob", "dave"}
    actions.end_absence(away.pk, by=root, door=Door.ADMIN)
    assert Notification.objects.filter(event="delegate").count() == 4


# --- Who is away has to be entitled ---------------------------------------------------------------


def test_who_is_away_and_left_the_group_is_replaced_by_nobody(
    away, open_one, decide, approvers, bob, dave, root
):
    agreed, waits = decide(open_one(), dave), open_one()
    actions.remove_member(user=bob, group=approvers, by=root, door=Door.ADMIN, reason="Moved")
    assert not quorum_holds(agreed)
    with pytest.raises(NotEligible):
        decide(waits, dave)


def test_a_closed_account_is_replaced_by_nobody(away, open_one, decide, bob, dave):
    agreed, waits = decide(open_one(), dave), open_one()
    close(bob)
    assert not quorum_holds(agreed)
    with pytest.raises(NotEligible):
        decide(waits, dave)


def test_who_stands_in_and_is_closed_decides_nothing(away, open_one, decide, dave):
    agreed, waits = decide(open_one(), dave), open_one()
    close(dave)
    assert not quorum_holds(agreed)
    with pytest.raises(NotEligible):
        decide(waits, dave)


# --- What the database refuses --------------------------------------------------------------------


def refused(change):
    with pytest.raises(DatabaseError), transaction.atomic():
        change()
    return True


def vote(request, by, **fields):
    return Decision.objects.bulk_create([
        Decision(
            request=request,
            stage=request.stages.get(),
            requested_by=request.requested_by,
            decided_by=by,
            verdict="approve",
            seal=SEAL,
            door="admin",
            **fields,
        )
    ])  # fmt: skip


def test_the_database_takes_an_honest_decision_for_another(away, open_one, bob, dave):
    assert vote(open_one(), dave, on_behalf_of=bob)


def test_the_database_takes_no_decision_from_another_place(away, open_one, bob, carol, dave):
    request = open_one(2)
    assert refused(partial(vote, request, dave))
    assert refused(partial(vote, request, dave, on_behalf_of=carol))
    assert refused(partial(vote, request, carol, on_behalf_of=bob))


def test_the_database_takes_one_decision_from_a_place(away, open_one, bob, dave):
    request = open_one(2)
    vote(request, dave, on_behalf_of=bob)
    assert refused(partial(vote, request, bob))


def test_the_database_takes_none_when_the_absence_is_over(away, open_one, bob, dave):
    request = open_one()
    moved(away, timedelta(days=8))
    assert refused(partial(vote, request, dave, on_behalf_of=bob))


def test_the_database_takes_none_for_a_closed_account(away, open_one, bob, dave):
    request = open_one()
    close(bob)
    assert refused(partial(vote, request, dave, on_behalf_of=bob))


def test_the_database_lets_nobody_stand_in_unasked(ask, approvers, bob, mallory):
    def smuggle():
        request = ask()
        Reviewer.objects.create(
            stage=request.stages.get(),
            person=mallory,
            on_behalf_of=bob,
            not_before=request.opened_at,
        )

    assert refused(smuggle)


def test_the_database_begins_no_absence_that_nobody_agreed_to(away, bob, dave, mallory):
    row = {"person": bob, "starts_at": away.starts_at, "ends_at": away.ends_at}
    assert refused(lambda: Absence.objects.create(delegate=mallory, **row))
    actions.end_absence(away.pk, by=bob, door=Door.ADMIN)
    assert refused(lambda: Absence.objects.create(delegate=dave, **row))


def test_the_database_keeps_an_absence_as_it_was_agreed_to(away, bob, carol, mallory):
    rows = Absence.objects.filter(pk=away.pk)
    later = away.ends_at + timedelta(days=30)
    for wrong in ({"delegate": mallory}, {"person": carol}, {"ends_at": later}):
        assert refused(lambda wrong=wrong: rows.update(**wrong))
    assert refused(rows.delete)
    actions.end_absence(away.pk, by=bob, door=Door.ADMIN)
    assert refused(lambda: rows.update(ended_at=None))


# --- At the same instant --------------------------------------------------------------------------


def test_of_the_two_at_once_one_decides(away, open_one, decide, bob, dave):
    for _ in range(10):
        request = open_one(2)
        both = at_once(partial(decide, request, bob), partial(decide, request, dave))
        assert sum(isinstance(each, AlreadyDecided) for each in both) == 1
        assert request.decisions.count() == 1


def test_a_page_says_for_whom_it_is_decided(away, open_one, decide, dave, carol):
    request = open_one(2)
    page = explain(request, dave, now=database_now())
    assert str(page.in_place_of) == "Bob Example"
    assert (
        page.stages[0].may_decide
        == "Bob Example, Dave Example (on behalf of Bob Example) or Carol Example"
    )
    decide(request, dave)
    page = explain(request, carol, now=database_now())
    assert page.in_place_of is None
    assert page.stages[0].may_decide == "Carol Example"
    assert page.so_far[0].what.startswith("Dave Example (on behalf of Bob Example) approved")


def test_the_inbox_says_for_whom_it_would_be_decided(away, open_one, client, dave, carol):
    for _ in range(2):
        open_one(2)
    said = "On behalf of Bob Example, who is out of office"
    for who, times in ((dave, 2), (carol, 0)):
        client.force_login(who, backend="backoffice.sign_in.NameOrEmailBackend")
        page = client.get(reverse("admin:approvals_approvalrequest_changelist"))
        assert page.text.count(said) == times


def test_the_inbox_names_nobody_whose_place_is_decided_from(away, open_one, decide, dave):
    request = open_one(2)
    decide(request, dave)
    [row] = rows(visible_to(dave), dave, now=database_now())
    assert row.stage == "Managers · 1 of 2"
    assert row.in_place_of is None
