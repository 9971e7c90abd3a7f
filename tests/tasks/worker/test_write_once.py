"""`run.write_once`: what only touches our own database happens exactly once, with its record."""

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.functions import Now

from audit.context import Door
from tasks.actions import recover_lost_runs
from tasks.declaration.errors import OutcomeUnknown, Refused
from tasks.models import Effect, Run
from tests.races import at_once
from tests.tasks.actions.test_lost_runs import due

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


def make_group() -> str:
    Group.objects.create(name="made")
    return "answer"


def test_what_is_written_and_its_record_are_there_together(ask, work, credit):
    credit.behave = lambda run: run.write_once("make", make_group)
    run = work(ask("50.00"))
    assert run.output == {"kind": "text", "text": "answer"}
    effect = run.effects.get()
    assert (effect.step, effect.answer, effect.sent_at) == ("make", "answer", effect.answered_at)
    assert Group.objects.filter(name="made").exists()


def test_a_fault_after_the_write_leaves_neither(ask, work, credit):
    def write():
        make_group()
        raise ValueError("a fault")

    credit.behave = lambda run: run.write_once("make", write)
    run = work(ask("50.00"))
    assert run.status == Status.FAILED  # and not uncertain: nothing has happened
    assert not Group.objects.filter(name="made").exists()
    assert not Effect.objects.exists()


def test_a_refusal_is_on_record_and_nothing_else(ask, work, credit):
    def write():
        make_group()
        raise Refused("The account is closed.")

    credit.behave = lambda run: run.write_once("make", write)
    run = work(ask("50.00"))
    assert (run.status, run.error) == (Status.FAILED, "The account is closed.")
    assert not Group.objects.filter(name="made").exists()
    assert run.effects.get().error == "The account is closed."


def test_a_later_attempt_gets_the_first_ones_answer(ask, work, credit, task):
    type(task).objects.filter(pk=task.pk).update(idempotent=True)
    answers = []

    def behave(run):
        answers.append(run.write_once("make", make_group))
        if len(answers) == 1:
            raise OutcomeUnknown("Something else had no answer.")
        return

    credit.behave = behave
    run = work(ask("50.00"))
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert answers == ["answer", "answer"]
    assert Group.objects.filter(name="made").count() == 1


def test_a_worker_that_lost_its_run_writes_nothing(ask, work, credit):
    def behave(run):
        Run.objects.update(lease_until=Now())
        recover_lost_runs(door=Door.SCHEDULE)
        run.write_once("make", make_group)

    credit.behave = behave
    work(ask("50.00"))
    assert not Group.objects.filter(name="made").exists()


def test_the_run_is_not_taken_away_between_the_look_and_the_commit(ask, work, credit):
    """The lock on the run is what the sweep waits for."""
    found = []

    def write():
        found.extend(at_once(lambda: locked_by_somebody(run.pk)))
        return make_group()

    credit.behave = lambda task_run: task_run.write_once("make", write)
    run = ask("50.00")
    work(run)
    assert found == [True]


def locked_by_somebody(run_id) -> bool:
    with transaction.atomic():
        return not Run.objects.select_for_update(skip_locked=True).filter(pk=run_id).exists()


def test_it_asks_not_to_be_called_inside_a_transaction(ask, work, credit):
    def behave(run):
        with transaction.atomic():
            run.write_once("make", make_group)

    credit.behave = behave
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert "run.write_once() inside a transaction" in run.error
