"""Asked for changes, and asked anew: a new request, for which nobody has said anything yet."""

from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from approvals.models import ApprovalRequest, Decision
from approvals.requests.policy import NotWaiting, ReasonMissing
from audit.context import Door
from audit.transitions import Refusal, transition
from tasks.access.rights import Right
from tasks.actions import InvalidValues, request_run
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.rules import put_in_force
from tasks.models import Run
from tasks.rules.evaluation import RuleSpec
from tasks.runs.revisions import NotRevisable, revisions_of
from tests.races import at_once

ROUNDS = 10


@pytest.fixture
def revise(task, alice):
    def revise_it(run: Run, amount="120.00", *, by=None, reason="The parcel was late") -> Run:
        return request_run(
            task.pk,
            requested_by=by or alice,
            door=Door.ADMIN,
            values={"amount": amount, "amount_currency": "USD"},
            reason=reason,
            revises=run,
        )

    return revise_it


@pytest.fixture
def two_needed(task, approvers) -> None:
    with transition(by=None, door=Door.COMMAND):
        put_in_force(task, RuleSpec("One more", "true", groups=[approvers]))


@pytest.fixture
def returned(ask, approve) -> Run:
    run = ask("150.00")
    approve(run, verdict="change", reason="120 is enough")
    return run


def test_who_is_asked_may_ask_for_changes(returned):
    assert returned.status == Run.Status.RETURNED
    assert returned.approval.status == ApprovalRequest.Status.RETURNED


def test_a_wish_for_changes_has_a_reason(ask, approve):
    run = ask("150.00")
    with pytest.raises(ReasonMissing, match="what has to change"):
        approve(run, verdict="change", reason="  ")
    run.refresh_from_db()
    assert run.status == Run.Status.AWAITING_APPROVAL


def test_one_wish_for_changes_ends_it_whoever_has_agreed(ask, approve, bob, carol, two_needed):
    run = ask("150.00")
    approve(run, bob)
    approve(run, carol, "change", "Less")
    assert run.status == Run.Status.RETURNED


def test_the_requester_is_told(returned, alice):
    notification = alice.notifications.get()
    assert notification.text.startswith("Changes requested: ")


def test_what_came_back_never_runs(returned, work, credit):
    assert work(returned).status == Run.Status.RETURNED
    assert credit.calls == []


def test_what_came_back_is_asked_anew_and_nobody_has_said_anything(returned, revise, approve, work):
    anew = revise(returned)
    assert anew.revises == returned
    assert anew.status == Run.Status.AWAITING_APPROVAL
    assert not Decision.objects.filter(request=anew.approval_id).exists()
    approve(anew)
    assert work(anew).status == Run.Status.SUCCEEDED


def test_an_approval_of_the_first_does_not_count_for_the_second(
    ask, approve, revise, bob, two_needed
):
    first = ask("150.00")
    approve(first, bob)
    anew = revise(first)
    assert anew.approval.decisions.count() == 0
    approve(anew, bob)
    assert anew.status == Run.Status.AWAITING_APPROVAL


def test_what_waits_is_taken_back_in_the_same_step(ask, revise):
    first = ask("150.00")
    anew = revise(first)
    first.refresh_from_db()
    assert first.status == Run.Status.CANCELLED
    assert first.approval.status == ApprovalRequest.Status.WITHDRAWN
    assert anew.status == Run.Status.AWAITING_APPROVAL


def test_what_needs_nobody_any_more_is_queued(ask, revise):
    assert revise(ask("150.00"), "50.00").status == Run.Status.QUEUED


def test_values_that_break_a_rule_leave_the_first_as_it_was(ask, revise):
    first = ask("150.00")
    with pytest.raises(InvalidValues):
        revise(first, "-1")
    first.refresh_from_db()
    assert first.status == Run.Status.AWAITING_APPROVAL


def test_those_who_decide_see_what_is_different(returned, revise):
    shown = revise(returned, reason="As Bob said").approval.shown["revision"]
    assert shown == {
        "number": 2,
        "by": "Bob Example",
        "wish": "120 is enough",
        "changes": [
            ["Amount", "150.00 USD", "120.00 USD"],
            ["Reason for the request", "The parcel was late", "As Bob said"],
        ],
    }


def test_a_chain_of_revisions_is_known_from_each_of_them(returned, revise):
    second = revise(returned)
    third = revise(second, "110.00")
    assert third.approval.shown["revision"]["number"] == 3
    for run in (returned, second, third):
        assert revisions_of(run) == [returned, second, third]


def test_nobody_else_changes_what_somebody_asked_for(returned, revise, mallory, task):

    set_right(task, Right.EXECUTE, to=mallory)
    with pytest.raises(NotRevisable):
        revise(returned, by=mallory)


def test_what_waits_is_not_taken_back_by_another(ask, revise, mallory, task):

    set_right(task, Right.EXECUTE, to=mallory)
    first = ask("150.00")
    with pytest.raises(Refusal):
        revise(first, by=mallory)
    first.refresh_from_db()
    assert first.status == Run.Status.AWAITING_APPROVAL


def test_it_is_changed_once(returned, revise):
    revise(returned)
    with pytest.raises(NotRevisable, match="already"):
        revise(returned)


@pytest.mark.parametrize("end", ["approve", "reject"])
def test_what_is_decided_in_another_way_is_not_changed(ask, approve, revise, end):
    run = ask("150.00")
    approve(run, verdict=end, reason="Said")
    with pytest.raises(NotRevisable):
        revise(run)


# --- The database -----------------------------------------------------------------------------------


def refuses(sql, *values):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_the_database_knows_whose_run_it_was(returned, ask, mallory):
    """A copy of Alice's revision in somebody else's name, and one of a run that goes on."""
    anew = ask("50.00")
    copy = """INSERT INTO tasks_run SELECT (jsonb_populate_record(run, %s::jsonb)).*
        FROM tasks_run run WHERE id = %s"""
    key = '"id": "00000000-0000-0000-0000-000000000001"'
    falsified = f'{{{key}, "requested_by_id": {mallory.pk}, "revises_id": "{returned.pk}"}}'
    refuses(copy, falsified, anew.pk)
    refuses(copy, f'{{{key}, "revises_id": "{anew.pk}"}}', anew.pk)


def test_the_database_approves_nothing_that_somebody_wanted_changed(returned):
    refuses("UPDATE approvals_approvalrequest SET status = 'approved'")


# --- At the same instant ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_approved_and_changed_at_once_is_one_of_the_two(ask, approve, revise):
    for _ in range(ROUNDS):
        run = ask("150.00")
        _, anew = at_once(partial(approve, run), partial(revise, run))
        run.refresh_from_db()
        if isinstance(anew, Run):
            assert run.status == Run.Status.CANCELLED
        else:
            assert isinstance(anew, NotWaiting)
            assert run.status == Run.Status.QUEUED


@pytest.mark.django_db(transaction=True)
def test_changed_twice_at_once_is_changed_once(ask, approve, revise):
    for _ in range(ROUNDS):
        run = ask("150.00")
        approve(run, verdict="change", reason="Less")
        results = at_once(partial(revise, run), partial(revise, run))
        assert sorted(type(each).__name__ for each in results) == ["NotRevisable", "Run"]
