"""Code of a task that does not end: who waits for it hears so, and other threads stay free."""

import threading
import time

import pytest
from django.db import connection
from django.urls import reverse

from audit.context import Door
from tasks import time_limits
from tasks.actions import InvalidValues, look_up
from tasks.models import Run
from tasks.time_limits import AT_ONCE, TookTooLong, in_time
from tests.tasks.admin.reading import form_of, signed_in, words
from tests.tasks.parameters.test_rows import look_up_with

pytestmark = pytest.mark.django_db(transaction=True)


def for_ever(*_: object) -> None:
    while True:
        pass


def swallowing(*_: object) -> None:
    """Ends in the end, because what interrupts it is no Exception."""
    while True:
        try:
            sum(range(1000))
        except Exception:  # noqa: S112 - as authors write it
            continue


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Half a second instead of twenty."""
    monkeypatch.setattr(in_time, "__defaults__", (0.5,))
    monkeypatch.setattr("tasks.actions.runs.look_ups.PATIENCE", 0.5)


def asking(*_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize("code", [for_ever, swallowing, asking])
def test_a_loop_that_does_not_end_is_ended(code):
    with pytest.raises(TookTooLong, match=r"longer than 0\.5 seconds"):
        in_time(code)
    # Nothing is on its way any more to whatever this thread does next.
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        pass


def test_what_ends_in_time_is_left_alone():
    assert in_time(lambda: in_time(lambda: 7)) == 7
    with pytest.raises(KeyError):
        in_time(lambda: {}["nothing"])


def test_a_preview_that_does_not_end_is_said_at_the_form(ask, deploy):
    deploy(preview=for_ever)
    with pytest.raises(InvalidValues, match=r"It took longer than .* Contact Testers"):
        ask("50.00")
    with connection.cursor() as cursor:  # and the connection is as good as new
        cursor.execute("SELECT 1")


def test_a_preview_that_does_not_end_at_the_claim_ends_the_run(ask, approve, work, deploy, credit):
    run = ask("150.00")
    approve(run)
    deploy(preview=for_ever)
    assert work(run).status == Run.Status.STALE
    assert "could not be repeated within 20 seconds" in run.error


def test_a_check_that_does_not_end_is_said_at_the_form(ask, deploy):
    deploy(validate=for_ever)
    with pytest.raises(InvalidValues, match="These values could not be checked"):
        ask("50.00")


def test_a_look_up_of_rows_that_does_not_end_is_said_at_the_form():
    assert "The rows could not be looked up. It took longer" in str(
        look_up_with(for_ever).errors["payouts"]
    )


def test_a_look_up_of_a_step_that_does_not_end_is_an_answer(uncertain, administrator, deploy):
    deploy(recorded=False, look_up=for_ever)
    found = look_up(uncertain.pk, by=administrator, door=Door.ADMIN)
    assert "The look-up failed. It took longer" in found.steps[0].what


def test_choices_that_never_come_are_said_on_the_page(key_task, alice, monkeypatch):
    monkeypatch.setattr("tests.tasks.admin.conftest.others.__code__", for_ever.__code__)
    response = signed_in(alice).get(form_of(key_task))
    said = "The choices could not be loaded. It took longer"
    assert said in words(response)
    picker = reverse("admin:tasks_task_options", args=[key_task.slug, "who"])
    assert said in signed_in(alice).get(picker).json()["results"][0]["text"]
    sent = {"key": "x", "service": "y", "who": "1", "run-nonce": "n"}
    assert said in words(signed_in(alice).post(form_of(key_task), sent))
    assert not Run.objects.exists()


def test_only_a_few_are_at_work_at_once(monkeypatch):
    """So that calls which nothing can end do not take all threads of the web server."""
    monkeypatch.setattr(time_limits, "FOR_A_PLACE", 0.1)
    over, begun = threading.Event(), threading.Barrier(AT_ONCE + 1)

    def waits() -> None:
        begun.wait(10)
        over.wait(10)

    threads = [threading.Thread(target=in_time, args=(waits, 60)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    with pytest.raises(TookTooLong, match="Other tasks are taking too long"):
        in_time(lambda: None)
    over.set()
    for thread in threads:
        thread.join()
    assert in_time(lambda: 7) == 7
