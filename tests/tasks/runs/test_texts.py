"""How far a run has come, in words."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Run, Task
from tasks.runs.texts import length, percent, state_of, time_left


def running(seconds: float, done: int, total: int | None, **fields) -> Run:
    started = timezone.now() - timedelta(seconds=seconds)
    values = {"status": Run.Status.RUNNING, "started_at": started} | fields
    return Run(task=Task(), steps_done=done, steps_total=total, **values)


@pytest.mark.parametrize(
    ("seconds", "done", "total", "said"),
    [
        (60, 25, 100, "about 3 minutes left"),
        (60, 50, 100, "about a minute left"),
        (60, 90, 100, "less than a minute left"),
        (3600, 50, 200, "about 3 hours left"),
    ],
)
def test_the_pace_so_far_tells_what_is_left(seconds, done, total, said):
    assert time_left(running(seconds, done, total)) == said


@pytest.mark.parametrize(
    ("seconds", "done", "total"),
    [(1, 50, 100), (60, 0, 100), (60, 1, 100), (60, 100, 100), (60, 101, 100), (60, 5, None)],
)
def test_nothing_is_said_before_anybody_can_notify(seconds, done, total):
    assert time_left(running(seconds, done, total)) == ""


def test_a_run_that_waits_to_be_tried_again_has_no_estimate():
    assert time_left(running(60, 50, 100, status=Run.Status.QUEUED)) == ""


@pytest.mark.parametrize(
    ("done", "total", "said"), [(0, 3, 0), (2, 3, 66), (3, 3, 100), (4, 3, 100), (999, 1000, 99)]
)
def test_a_hundred_percent_is_all_of_it(done, total, said):
    assert percent(running(1, done, total)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "under 0.1 s"),
        (0.04, "under 0.1 s"),
        (0.05, "0.1 s"),
        (9.94, "9.9 s"),
        (12, "12 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_how_long_it_took_is_never_nothing(seconds, said):
    assert length(timedelta(seconds=seconds)) == said


def test_a_run_that_waits_for_a_worker_says_when_that_is_unusual():
    run = Run(status=Run.Status.QUEUED, queued_at=timezone.now() - timedelta(seconds=5))
    assert "within seconds" in state_of(run)
    run.queued_at -= timedelta(minutes=2)
    assert "longer than usual" in state_of(run)
