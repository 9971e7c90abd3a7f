"""A run is ended by force in its author's code, and never between an answer and its record."""

import threading

import pytest
from django.db import connection

from tasks.declaration.errors import Stopped
from tasks.models import Effect, Run
from tasks.worker.interruption import Interruption

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


def test_the_authors_code_is_interrupted_at_once():
    done = []

    def work(interruption):
        interruption.interrupt()
        done.append("too much")

    with Interruption() as interruption, interruption.allowed(), pytest.raises(Stopped):
        work(interruption)
    assert done == []


def test_what_is_written_down_is_finished_first():
    done = []

    def work(interruption):
        with interruption.postponed():
            interruption.interrupt()
            done.append("written")
        done.append("too much")

    with Interruption() as interruption, interruption.allowed(), pytest.raises(Stopped):
        work(interruption)
    assert done == ["written"]


def test_outside_of_the_authors_code_nobody_is_interrupted():
    with Interruption() as interruption:
        interruption.interrupt()


def test_in_another_thread_nobody_is_interrupted():
    seen = []

    def work():
        with Interruption() as interruption, interruption.allowed():
            interruption.interrupt()
            seen.append("went on")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["went on"]


def test_an_answer_that_has_come_is_recorded_before_the_run_is_stopped(ask, work, credit):
    def behave(run):
        def interrupt(execute, sql, params, many, context):
            if sql.startswith('UPDATE "tasks_effect"'):
                run._heartbeat.interruption.interrupt()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(interrupt):
            run.once("credit", lambda key: "cr_1")
        raise AssertionError("It went on.")

    credit.behave = behave
    run = work(ask("50.00"))
    assert Effect.objects.get().answer == "cr_1"
    assert (run.status, "ended by force" in run.error) == (Status.CANCELLED, True)


def test_a_step_that_is_cut_off_leaves_the_run_uncertain(ask, work, credit):
    def behave(run):
        run.once("credit", lambda key: run._heartbeat.interruption.interrupt())

    credit.behave = behave
    run = work(ask("50.00"))
    assert run.status == Status.UNCERTAIN
    assert "A step was sent and had no answer." in run.error


def test_the_page_says_when_it_is_stopped_by_force(ask, credit, alice, client, settings):
    from django.urls import reverse

    from audit.context import Door
    from tasks.actions import cancel_run, start_run
    from tasks.runs.texts import moment

    settings.CANCEL_GRACE_SECONDS = 0
    run = ask("50.00")
    start_run(run.pk, worker="test:1", door=Door.WORKER)
    asked = cancel_run(run.pk, by=alice, door=Door.ADMIN).cancel_asked_at
    client.force_login(alice, backend="backoffice.sign_in.NameOrEmailBackend")
    page = client.get(reverse("admin:tasks_run_change", args=[run.pk])).content.decode()
    assert f"or by force at {moment(asked, seconds=True)}." in page
