"""Runs that lost their worker, their message or their answer. Nothing is lost, nothing doubled."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django_q.models import OrmQ

from audit.context import Door
from tasks.actions import (
    Outcome,
    cancel_run,
    enqueue_again,
    extend_lease,
    finish_run,
    recover_lost_runs,
    resume_run,
    start_run,
    write_effect,
)
from tasks.actions.runs.effects import Planned, plan_effects
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.models import Effect, Run
from tasks.runs.states import MOVES, move
from tasks.secrets.masking import without_settings
from tasks.worker.execution import execute
from tests.tasks.worker.test_execution import raising

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


def claimed(run: Run) -> Run:
    started = start_run(run.pk, worker="gone:1", door=Door.WORKER)
    assert started
    return started


def silent(run: Run) -> Run:
    """A run whose worker was killed: its lease runs out."""
    claimed(run)
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    return run


def due(run: Run) -> None:
    """As if the pause were over."""
    Run.objects.filter(pk=run.pk).update(due_at=Now() - timedelta(seconds=1))


def test_a_lost_run_that_may_be_sent_again_is_done(ask, work, credit, idempotent):
    run = silent(ask("50.00"))
    assert recover_lost_runs(door=Door.SCHEDULE) == 1
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert run.attempt == 2


def test_any_other_lost_run_is_uncertain_and_not_touched_again(ask, work, credit):
    run = silent(ask("50.00"))
    recover_lost_runs(door=Door.SCHEDULE)
    assert work(run).status == Status.UNCERTAIN
    assert credit.calls == []
    assert "How far it got is unknown" in run.error


def test_a_run_whose_worker_lives_is_left_alone(ask):
    run = claimed(ask("50.00"))
    assert recover_lost_runs(door=Door.SCHEDULE) == 0
    assert extend_lease(run.pk, attempt=run.attempt)


def test_a_worker_that_was_silent_for_too_long_sends_nothing_more(ask, work, credit, idempotent):
    sent = []

    def behave(run):
        Run.objects.update(lease_until=Now() - timedelta(seconds=1))
        recover_lost_runs(door=Door.SCHEDULE)
        run.once("pay", lambda key: sent.append(key))

    credit.behave = behave
    run = work(ask("50.00"))
    assert sent == []
    assert run.status == Status.QUEUED  # as the sweep left it


def test_its_late_answer_changes_nothing(ask, credit, work, idempotent):
    def behave(run):
        Run.objects.update(lease_until=Now() - timedelta(seconds=1))
        recover_lost_runs(door=Door.SCHEDULE)
        return {"late": "answer"}

    credit.behave = behave
    run = work(ask("50.00"))
    assert (run.status, run.output) == (Status.QUEUED, None)


def test_the_answer_of_one_attempt_does_not_end_the_next(ask, idempotent):
    first = silent(ask("50.00"))
    recover_lost_runs(door=Door.SCHEDULE)
    due(first)
    second = claimed(first)
    late = Outcome(Status.FAILED)
    assert finish_run(first.pk, attempt=second.attempt - 1, outcome=late, door=Door.WORKER) is None
    second.refresh_from_db()
    assert second.status == Status.RUNNING


def test_a_lost_run_is_found_once_by_two_sweeps(ask, idempotent):
    silent(ask("50.00"))
    found = [recover_lost_runs(door=Door.SCHEDULE) for _ in range(2)]
    assert found == [1, 0]


def test_an_unknown_answer_is_asked_for_again_under_the_same_key(ask, work, credit, idempotent):
    keys = []

    def send(key):
        keys.append(key)
        if len(keys) == 1:
            raise OutcomeUnknown("No answer came.")
        return {"paid": True}

    credit.behave = lambda run: run.once("pay", send)
    run = work(ask("50.00"))
    assert (run.status, run.error) == (Status.QUEUED, "No answer came.")
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert keys == [f"bo-{run.pk}-pay"] * 2
    begun = run.history.filter(status=Status.RUNNING)
    assert [version.error for version in begun] == ["", ""]  # each attempt's error is its own


def test_it_is_not_tried_before_its_time(ask, work, credit, idempotent):
    credit.behave = raising(Busy("Try later"))
    run = work(ask("50.00"))
    work(run)
    assert len(credit.calls) == 1


def test_after_four_attempts_a_person_looks(ask, work, credit, idempotent):
    credit.behave = raising(OutcomeUnknown("No answer came."))
    run = ask("50.00")
    for _ in range(MAX_ATTEMPTS + 2):
        due(work(run))
    assert run.status == Status.UNCERTAIN
    assert len(credit.calls) == MAX_ATTEMPTS


def test_the_pauses_grow(ask, work, credit, idempotent):
    credit.behave = raising(Busy("Try later"))
    run = ask("50.00")
    pauses = []
    for _ in range(3):
        work(run)
        pauses.append(round((run.due_at - run.queued_at).total_seconds()))
        due(run)
    assert pauses == [30, 120, 480]


def test_the_message_of_a_run_that_is_tried_again_waits_until_it_is_due(
    ask, work, credit, idempotent
):
    credit.behave = raising(Busy("Try later"))
    run = ask("50.00")
    OrmQ.objects.all().delete()  # the message of the first attempt: this test is the worker
    work(run)
    assert OrmQ.objects.get().lock == run.due_at
    assert enqueue_again(door=Door.SCHEDULE) == 0
    # A message that vanished is missed two minutes later.
    Run.objects.update(due_at=Now() - timedelta(minutes=3), rung_at=Now() - timedelta(minutes=3))
    assert enqueue_again(door=Door.SCHEDULE) == 1


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (Refused("No."), Status.FAILED),
        (Busy("Later."), Status.FAILED),
        (OutcomeUnknown("?"), Status.UNCERTAIN),
    ],
)
def test_a_task_that_may_not_be_sent_again_is_tried_once(ask, work, credit, error, ends):
    credit.behave = raising(error)
    assert work(ask("50.00")).status == ends


def test_a_plain_refusal_is_not_tried_again(ask, work, credit, idempotent):
    credit.behave = raising(Refused("No."))
    assert work(ask("50.00")).status == Status.FAILED


def test_a_fault_of_ours_is_not_sent_again(ask, work, credit, idempotent):
    credit.behave = raising(OutcomeUnknown("Other values", same_key=False))
    assert work(ask("50.00")).status == Status.UNCERTAIN


def test_a_key_that_may_be_forgotten_is_never_sent_again(ask, work, credit, idempotent):
    sent = []

    def send(key):
        sent.append(key)
        raise OutcomeUnknown("No answer came.")

    credit.behave = lambda run: run.once("pay", send)
    run = work(ask("50.00"))
    Effect.objects.update(sent_at=Now() - timedelta(hours=23, minutes=1))
    due(run)
    assert work(run).status == Status.UNCERTAIN
    assert len(sent) == 1


def test_changed_code_after_an_attempt_is_uncertain_not_stale(
    ask, work, credit, deploy, idempotent
):
    credit.behave = raising(OutcomeUnknown("No answer came."))
    run = work(ask("50.00"))
    due(run)
    deploy(source_hash="2" * 64)
    assert work(run).status == Status.UNCERTAIN


def test_a_message_that_vanished_rings_again(ask, credit):
    run = ask("50.00")
    OrmQ.objects.all().delete()
    assert enqueue_again(door=Door.SCHEDULE) == 0  # not yet: a worker may be on its way
    Run.objects.update(rung_at=Now() - timedelta(minutes=3))
    assert enqueue_again(door=Door.SCHEDULE) == 1
    assert OrmQ.objects.count() == 1
    assert enqueue_again(door=Door.SCHEDULE) == 0
    assert execute(str(run.pk)) == "succeeded"


def test_a_run_that_is_asked_to_stop_stops_where_its_code_looks(ask, alice, work, credit):
    turns = []

    def behave(run):
        run._heartbeat._looked_at -= 2  # as if a second had passed
        for turn in range(3):
            run.check_cancelled()
            turns.append(turn)
            cancel_run(run.id, by=alice, door=Door.ADMIN)
            run._heartbeat._looked_at -= 2

    credit.behave = behave
    run = work(ask("50.00"))
    assert (run.status, turns) == (Status.CANCELLED, [0])


def test_stopping_never_pretends_that_something_did_not_happen(ask, alice, work, credit):
    def behave(run):
        cancel_run(run.id, by=alice, door=Door.ADMIN)
        try:
            run.once("pay", lambda key: raising(ConnectionResetError())(run))
        finally:
            run._heartbeat._looked_at -= 2
            run.check_cancelled()

    credit.behave = behave
    run = work(ask("50.00"))
    assert run.status == Status.CANCELLED  # it was asked to stop before the first byte left
    assert not Effect.objects.filter(answered_at__isnull=False).exists()


def test_the_table_of_moves_is_the_databases(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('tasks_guard_run'::regproc)")
        (guard,) = cursor.fetchone()
    listed = re.search(r"NOT IN \((.*?)\) THEN", guard, re.DOTALL)[1]
    pairs = set(re.findall(r"\('(\w+)', '(\w+)'\)", listed))
    assert pairs == {(str(a), str(b)) for a, to in MOVES.items() for b in to}


def test_a_move_that_is_not_in_the_table_is_a_fault_of_ours(ask):
    run = ask("150.00")
    with pytest.raises(ValueError, match="does not become"):
        move(run, Status.SUCCEEDED)


@pytest.mark.parametrize("then", [Refused("Not today."), None])
def test_no_later_end_hides_a_step_without_an_answer(ask, work, credit, idempotent, then):
    def behave(run):
        if len(credit.calls) == 1:
            run.once("pay", lambda key: raising(OutcomeUnknown("No answer came."))(run))
        if then:
            raise then
        return "done without it"

    credit.behave = behave
    run = ask("50.00")
    for _ in range(MAX_ATTEMPTS + 1):
        due(work(run))
    run.refresh_from_db()
    assert (run.status, run.output) == (Status.UNCERTAIN, None)
    assert "A step was sent and had no answer." in run.error


def test_a_lost_run_whose_key_may_be_forgotten_is_not_begun_again(ask, work, credit, idempotent):
    run = silent(ask("50.00"))
    Effect.objects.create(run=run, step="pay", key="old")
    Effect.objects.update(sent_at=Now() - timedelta(hours=23, minutes=1))
    recover_lost_runs(door=Door.SCHEDULE)
    assert work(run).status == Status.UNCERTAIN
    assert credit.calls == []


# --- A batch whose every item is on record --------------------------------------------------------


def lost_after(run: Run, done: str) -> Run:
    """An attempt of three items whose worker was killed after these, without an item half done."""
    started = claimed(run)
    plan_effects(started, [Planned(f"letter:{each}", each) for each in "abc"])
    for each in done:
        write_effect(started, f"letter:{each}", lambda: "written", without_settings())
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    recover_lost_runs(door=Door.SCHEDULE)
    run.refresh_from_db()
    return run


def writing_letters(credit) -> list[str]:
    written: list[str] = []
    credit.behave = lambda run: run.write_each("letter", "abc", written.append, key=str)
    return written


def test_a_batch_that_was_lost_too_often_is_paused_says_how_far_it_is_and_goes_on(
    ask, work, credit, alice, idempotent
):
    written = writing_letters(credit)
    run = ask("50.00")
    for done in ("a", "", "", "b"):
        due(run)
        run = lost_after(run, done)
    assert run.status == Status.PAUSED
    assert run.pauses.get().why == (
        "Its worker stopped 4 times while this was running. 2 of 3 items were done and stay done. "
        "1 was not started. It can be resumed."
    )
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.SUCCEEDED
    assert written == ["c"]


def test_a_batch_that_may_not_be_sent_again_goes_on_as_after_any_pause(ask, work, credit, alice):
    written = writing_letters(credit)
    run = lost_after(ask("50.00"), "a")
    assert run.status == Status.PAUSED
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.SUCCEEDED
    assert written == ["b", "c"]


@pytest.mark.parametrize(
    ("done", "open_step", "said"),
    [
        ("abc", False, "3 of 3 items were done and stay done. Whether anything else was done"),
        ("a", True, "1 of 3 items were done and stay done. 1 was not started. A step was sent"),
    ],
)
def test_what_is_not_on_record_stays_uncertain_and_says_how_far_it_is(ask, done, open_step, said):
    run = ask("50.00")
    if open_step:
        Effect.objects.create(
            run=run, step="letter:b", label="b", key="b", position=2, sent_at=Now()
        )
    run = lost_after(run, done)
    assert run.status == Status.UNCERTAIN
    assert said in run.error


def test_a_lost_run_that_was_to_be_cancelled_is_not_paused(ask, alice):
    run = ask("50.00")
    claimed(run)
    cancel_run(run.pk, by=alice, door=Door.ADMIN)
    Effect.objects.create(run=run, step="letter:a", label="a", key="a", position=1)
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    recover_lost_runs(door=Door.SCHEDULE)
    run.refresh_from_db()
    assert run.status == Status.UNCERTAIN


def test_a_run_that_does_a_step_and_is_lost_too_often_is_paused(
    ask, work, credit, alice, idempotent
):
    run = ask("50.00")
    for _ in range(MAX_ATTEMPTS):
        due(run)
        started = claimed(run)
        write_effect(started, "pay", lambda: "paid", without_settings())
        Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
        recover_lost_runs(door=Door.SCHEDULE)
    run.refresh_from_db()
    assert run.status == Status.PAUSED
    assert "“pay” was done and stays done." in run.pauses.get().why
