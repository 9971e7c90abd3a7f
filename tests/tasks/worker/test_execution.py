"""What a worker does: at most once, and only what was approved. S12; attacks 4, 7, 11."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.requests import policy
from audit.context import Door
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import Outcome, enqueue_again, finish_run, retire_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.declaration.registry import registry
from tasks.models import Effect, Run, Task
from tasks.queue.messages import TimedOut
from tasks.queue.releases import current, superseded
from tasks.worker.execution import execute, sweep
from tests.owner import without_guards

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


def due(run: Run) -> None:
    """As if the pause before the next attempt were over."""
    Run.objects.filter(pk=run.pk).update(due_at=Now())


def raising(error: BaseException):
    def behave(run):
        raise error

    return behave


def test_a_run_succeeds_with_output_and_log(ask, work, credit):
    run = work(ask("50.00"))
    assert run.status == Status.SUCCEEDED
    assert run.output == {"kind": "pairs", "pairs": [["Credited", "yes"]]}
    assert [line.text for line in run.log_lines.all()] == ["Crediting 50.00 USD"]
    assert run.started_at <= run.finished_at


def test_the_function_gets_the_approved_values(ask, approve, work, credit):
    run = ask("150.00")
    approve(run)
    work(run)
    assert [str(amount) for amount in credit.calls] == ["150.00 USD"]


def test_a_message_delivered_five_times_runs_once(ask, work, credit):
    run = ask("50.00")
    for _ in range(5):
        work(run)
    assert len(credit.calls) == 1


@pytest.mark.parametrize("end", ["waiting", "rejected", "withdrawn"])
def test_a_message_for_a_run_without_approval_does_nothing(ask, approve, alice, work, credit, end):
    run = ask("150.00")
    if end == "rejected":
        approve(run, verdict="reject", reason="no")
    if end == "withdrawn":
        approvals.withdraw(run.approval_id, by=alice, door=Door.ADMIN)
    work(run)
    assert credit.calls == []


def test_an_unknown_id_does_nothing(db):
    assert execute("6f3a9b1e-0000-4000-8000-000000000000") == "nothing to do"


def stale(run: Run, credit) -> None:
    assert (run.status, credit.calls) == (Status.STALE, [])
    assert "Nothing was done" in run.error


def test_changed_code_makes_an_approved_run_stale(ask, approve, work, credit, deploy):
    run = ask()
    approve(run)
    deploy(source_hash="2" * 64)
    stale(work(run), credit)
    run.approval.refresh_from_db()
    assert run.approval.status == ApprovalRequest.Status.STALE


def test_a_worker_with_other_code_than_was_deployed_leaves_the_run_to_others(
    ask, work, credit, deploy, caplog
):
    run = ask("50.00")
    OrmQ.objects.all().delete()
    deploy(recorded=False, source_hash="2" * 64)
    assert work(run).status == Status.QUEUED
    assert (credit.calls, run.error) == ([], "")
    assert (
        "the code of “Test credit” in this worker is not that of the last `migrate`" in caplog.text
    )
    assert not OrmQ.objects.exists()  # or it would take it and leave it without a pause
    assert enqueue_again(door=Door.SCHEDULE) == 1


def test_a_worker_without_the_code_leaves_the_run_to_others(ask, work, credit, deploy):
    run = ask("50.00")
    del registry._tasks["test-credit"]
    assert work(run).status == Status.QUEUED
    deploy()
    assert work(run).status == Status.SUCCEEDED


def test_a_run_sealed_for_older_code_than_was_deployed_is_stale_wherever_it_comes(
    ask, work, credit, deploy
):
    run = ask("50.00")
    deploy(source_hash="2" * 64)
    stale(work(run), credit)


def test_a_process_knows_what_was_deployed_anew_since_it_began(task, deploy):
    before = current()
    assert "test-credit" in before
    assert superseded(before) == []
    Task.objects.filter(pk=task.pk).update(source_hash="2" * 64)
    assert superseded(before) == ["test-credit"]
    assert superseded(current()) == []
    Task.objects.filter(pk=task.pk).update(source_hash="1" * 64)
    retire_task(task)
    assert superseded(before) == ["test-credit"]


def test_an_approver_who_left_makes_it_stale(ask, approve, work, credit, bob, approvers):
    run = ask()
    approve(run)
    approvals.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="left")
    stale(work(run), credit)


def test_a_deactivated_approver_makes_it_stale(ask, approve, work, credit, bob):
    run = ask()
    approve(run)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    stale(work(run), credit)


@pytest.mark.parametrize("amount", ["50.00", "150.00"])
def test_a_requester_who_lost_the_right_makes_it_stale(
    ask, approve, work, credit, task, alice, amount
):
    run = ask(amount)
    if run.approval_id:
        approve(run)
    set_right(task, None, to=alice)
    stale(work(run), credit)


def test_a_retired_task_makes_it_stale(ask, work, credit, task):
    run = ask("50.00")
    retire_task(task)
    stale(work(run), credit)


def test_a_file_or_value_changed_in_the_database_makes_it_stale(ask, work, credit):
    run = ask("50.00")
    with without_guards("tasks_run"):
        Run.objects.update(values={"amount": 1})
    stale(work(run), credit)


def test_a_refusal_from_outside_fails_the_run_with_its_words(ask, work, credit):
    credit.behave = raising(Refused("The card is closed. Nothing was refunded."))
    run = work(ask("50.00"))
    assert (run.status, run.error) == (Status.FAILED, "The card is closed. Nothing was refunded.")


def test_an_unknown_outcome_is_uncertain(ask, work, credit):
    credit.behave = raising(OutcomeUnknown("No answer came. Look for it at the provider."))
    assert work(ask("50.00")).status == Status.UNCERTAIN


@pytest.mark.parametrize(
    "error", [ValueError("boom"), SystemExit(1), KeyboardInterrupt(), TimedOut("slow")]
)
def test_whatever_the_code_raises_ends_the_run(ask, work, credit, error):
    credit.behave = raising(error)
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert run.error


def test_a_fault_after_something_was_sent_is_uncertain(ask, work, credit):
    def behave(run):
        run.once("pay", raising_send)

    def raising_send(key):
        raise ConnectionResetError("gone")

    credit.behave = behave
    run = work(ask("50.00"))
    assert run.status == Status.UNCERTAIN
    assert "had no answer" in run.error


def test_a_step_is_sent_once_and_its_answer_remembered(ask, work, credit, idempotent):
    keys = []

    def behave(run):
        answer = run.once("pay", lambda key: keys.append(key) or {"paid": True})
        if len(credit.calls) < 3:
            raise Busy("Something else was busy.")
        return answer

    credit.behave = behave
    run = ask("50.00")
    for _ in range(3):
        due(work(run))
    run.refresh_from_db()
    assert keys == [f"bo-{run.pk}-pay"]
    assert run.output["pairs"] == [["paid", "Yes"]]


def test_the_intent_is_on_record_before_the_first_byte_leaves(ask, work, credit):
    seen = []

    def send(key):
        seen.append(Effect.objects.get(key=key).answered_at)
        return {}

    credit.behave = lambda run: run.once("pay", send)
    work(ask("50.00"))
    assert seen == [None]


def test_a_refusal_does_not_speak_for_an_earlier_call_without_an_answer(
    ask, work, credit, idempotent
):
    def behave(run):
        first = len(credit.calls) == 1
        error = OutcomeUnknown("gone") if first else Refused("Already refunded")
        run.once("pay", lambda key: raising(error)(run))

    credit.behave = behave
    run = work(ask("50.00"))
    due(run)
    run = work(run)
    assert run.error == "Sent before without an answer, and now refused: Already refunded"
    assert run.effects.get().answered_at is None


def test_a_refused_step_leaves_nothing_open(ask, work, credit):
    credit.behave = lambda run: run.once("pay", lambda key: raising(Refused("no"))(run))
    assert work(ask("50.00")).status == Status.FAILED
    assert Effect.objects.get().refused


def test_from_claim_to_finish_takes_at_most_13_statements_without_a_preview(ask, approve, deploy):
    deploy(preview=None)
    run = ask("150.00")
    approve(run)
    with CaptureQueriesContext(connection) as statements:
        execute(str(run.pk))
    assert len(statements) <= 13, "\n".join(q["sql"][:120] for q in statements)


def test_each_move_has_one_history_row(ask, approve, work):
    run = ask("150.00")
    approve(run)
    work(run)
    moves = [(h.status, h.history_door) for h in reversed(run.history.all())]
    assert moves == [
        ("awaiting", "admin"),
        ("queued", "admin"),
        ("running", "worker"),
        ("succeeded", "worker"),
    ]


def test_the_history_of_a_move_is_what_was_stored(ask, approve, work):
    run = ask("150.00")
    approve(run)
    work(run)
    row = run.history.first()
    kept = [field.attname for field in row.tracked_fields]
    assert len(kept) > 20
    stored = Run.objects.get(pk=run.pk)
    assert {name: getattr(row, name) for name in kept} == {n: getattr(stored, n) for n in kept}


def test_a_late_answer_of_an_older_attempt_changes_nothing(ask, work):
    run = work(ask("50.00"))
    finish_run(run.pk, attempt=9, outcome=Outcome(Status.FAILED), door=Door.WORKER)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED


def test_somebody_who_may_run_it_confirms_for_somebody_who_may_ask(
    ask, approve, work, task, mallory, alice
):
    set_right(task, Right.REQUEST, to=mallory)
    run = ask("5.00", by=mallory)
    approve(run, by=alice)
    assert work(run).status == Status.SUCCEEDED


def test_the_sweep_expires_what_nobody_decided(ask, monkeypatch, work, credit):
    monkeypatch.setattr(policy, "WAITS_FOR", timedelta(seconds=-1))
    run = ask("150.00")
    assert sweep().startswith("1 expired")
    run.refresh_from_db()
    assert run.status == Status.EXPIRED
    work(run)
    assert credit.calls == []
