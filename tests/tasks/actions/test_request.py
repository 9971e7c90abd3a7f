"""Asking for a run: who may, what is checked, and what happens next. S12, S13, S20."""

import pytest
from django_q.models import OrmQ

from approvals.actions import NobodyCanDecide, remove_member
from approvals.models import ApprovalRequest
from audit.context import Door
from audit.models import Event
from tasks.access.rights import NotGranted, Right
from tasks.actions import InvalidValues, NotCancellable, cancel_run, retire_task
from tasks.actions.changes.grants import set_right
from tasks.models import Run

Status = Run.Status


def test_a_credit_of_100_runs_at_once(ask):
    run = ask("100.00")
    assert (run.status, run.approval) == (Status.QUEUED, None)
    assert OrmQ.objects.count() == 1


def test_a_credit_of_100_01_waits_for_its_approvers(ask):
    run = ask("100.01")
    assert run.status == Status.AWAITING_APPROVAL
    assert run.approval.stages.get().name == "Credits above 100"
    assert OrmQ.objects.count() == 0


def test_the_approver_is_shown_values_and_change(ask):
    request = ask("150").approval
    assert request.shown == {
        "task": "Test credit",
        "public": "Test credit, 150.00 USD",
        "facts": [["Amount", "150.00 USD"]],
        "changes": [["Balance", "10.00 USD", "160.00 USD"]],
        "amount": {"amount": "150.00", "currency": "USD"},
    }
    assert request.title == "Test credit: 150.00 USD"


def test_the_request_and_the_run_carry_one_seal(ask):
    run = ask()
    assert run.seal == run.approval.seal
    assert len(run.seal) == 64


@pytest.mark.parametrize(
    ("amount", "reason"), [("150.01", "The parcel was late"), ("150.00", "Another reason")]
)
def test_another_value_or_reason_is_another_seal(ask, amount, reason):
    assert ask().seal != ask(amount, reason=reason).seal


def test_approval_queues_the_run_and_rings_the_bell_in_one_transaction(ask, approve):
    run = ask()
    approve(run)
    assert run.status == Status.QUEUED
    assert OrmQ.objects.count() == 1


def test_rejection_ends_the_run(ask, approve):
    run = ask()
    approve(run, verdict="reject", reason="Not ours")
    assert run.status == Status.REJECTED
    assert run.finished_at


def test_somebody_who_may_only_ask_needs_somebody_who_may_run_it(ask, task, mallory, alice):
    set_right(task, Right.REQUEST, to=mallory)
    run = ask("5.00", by=mallory)
    assert run.status == Status.AWAITING_APPROVAL
    assert [r.person for r in run.approval.stages.get().reviewers.all()] == [alice]


def test_somebody_who_may_only_look_is_refused_and_it_is_on_record(ask, dave):
    with pytest.raises(NotGranted, match="Can request"):
        ask(by=dave)
    assert Event.objects.get(verb=Event.Verb.REFUSED).actor == dave
    assert not Run.objects.exists()


def test_a_superuser_is_granted_nothing_by_being_one(ask, root):
    with pytest.raises(NotGranted):
        ask(by=root)


def test_a_run_that_waits_for_people_needs_a_reason_for_them(ask):
    with pytest.raises(InvalidValues, match="Enter a reason"):
        ask("150.00", reason="  ")
    assert ask("50.00", reason="").status == Status.QUEUED


@pytest.mark.parametrize("amount", ["0", "-1", "5000.01", "1e3", "1,000", "NaN", "", "٣"])
def test_values_that_break_a_rule_are_refused_beside_their_field(ask, amount):
    with pytest.raises(InvalidValues) as refused:
        ask(amount)
    assert "amount" in refused.value.form.errors
    assert not Run.objects.exists()


def test_parameters_that_are_not_declared_are_not_taken(ask):
    run = ask("50.00", status="succeeded", requested_by="1", needs_approval="")
    assert set(run.values) == {"amount"}


def test_a_retired_task_cannot_be_asked_for(ask, task):
    retire_task(task)
    with pytest.raises(NotGranted, match="retired"):
        ask()


def test_a_rule_that_cannot_be_answered_asks_for_approval(ask, task, approvers):
    rule = task.rules.create(name="Broken", condition="nonsense > 1", needed=1)
    rule.groups.add(approvers)
    assert ask("1.00").status == Status.AWAITING_APPROVAL


def test_withdrawing_cancels_the_run(ask, alice):
    run = cancel_run(ask().pk, by=alice, door=Door.ADMIN)
    assert run.status == Status.CANCELLED
    assert run.approval.status == ApprovalRequest.Status.WITHDRAWN


def test_a_queued_run_can_be_cancelled_by_who_asked(ask, alice, work, credit):
    run = cancel_run(ask("50.00").pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.CANCELLED
    assert credit.calls == []


def test_somebody_else_cannot_cancel(ask, bob):
    with pytest.raises(NotGranted):
        cancel_run(ask().pk, by=bob, door=Door.ADMIN)


def test_a_finished_run_cannot_be_cancelled(ask, alice, work):
    run = work(ask("50.00"))
    with pytest.raises(NotCancellable, match="Succeeded"):
        cancel_run(run.pk, by=alice, door=Door.ADMIN)


def test_the_history_says_who_asked_through_which_door_and_why(ask, alice):
    row = ask().history.get()
    assert (row.history_user, row.history_door) == (alice, "admin")
    assert row.history_change_reason == "The parcel was late"


def test_what_nobody_could_approve_is_not_half_asked(ask, bob, carol, approvers):
    for person in (bob, carol):
        remove_member(user=person, group=approvers, by=None, door=Door.COMMAND, reason="left")
    with pytest.raises(NobodyCanDecide, match="needs 1"):
        ask("150.00")
    assert not ApprovalRequest.objects.exists()
    assert not Run.objects.exists()
