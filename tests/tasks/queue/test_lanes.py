"""Runs and messages in lanes of their own, the signs of life, and a clock that somebody sets."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from approvals.models.deliveries import Delivery
from approvals.signals import deliveries_written
from audit.context import Door
from audit.database.clock import database_now
from tasks.actions import enqueue_again
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS, pause_after
from tasks.models import Run, Sign
from tasks.queue import clock
from tasks.queue.clock import ClockWatch
from tasks.queue.lanes import MESSAGES, RUNS
from tasks.queue.messages import PUMP, enqueue_sweep, enqueue_sweep_if_due
from tasks.queue.signs import give, silences
from tasks.worker.execution import sweep
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def queued():
    return [(row.key, SignedPackage.loads(row.payload)["func"]) for row in OrmQ.objects.all()]


def test_what_is_to_be_sent_waits_in_the_lane_of_messages_and_a_run_does_not(ask):
    deliveries_written.send(sender=Delivery)
    deliveries_written.send(sender=Delivery, due_at=database_now() + timedelta(minutes=1))
    assert queued() == [(MESSAGES.queue, PUMP)] * 2
    OrmQ.objects.all().delete()
    ask("50.00")
    assert [key for key, _ in queued()] == [RUNS.queue]


def test_the_sweep_sends_nothing_itself(db):
    sweep()
    assert queued() == [(MESSAGES.queue, PUMP)]


def test_of_two_clusters_one_sends_the_sweep_of_a_minute(db):
    Sign.objects.create(name=Sign.Name.SWEEP, at=Now() - timedelta(seconds=61))
    at_once(enqueue_sweep_if_due, enqueue_sweep_if_due)
    enqueue_sweep_if_due()
    assert len(queued()) == 1


def test_a_cluster_that_starts_sweeps_whenever_the_last_one_did(db):
    enqueue_sweep()
    enqueue_sweep()
    assert len(queued()) == 2


def test_a_sign_is_given_once_in_its_time_and_the_silence_grows(db):
    assert give(Sign.Name.WRITTEN, pause=60)
    assert not give(Sign.Name.WRITTEN, pause=60)
    Sign.objects.update(at=Now() - timedelta(hours=1))
    assert timedelta(hours=1) <= silences()[Sign.Name.WRITTEN] < timedelta(hours=2)
    assert give(Sign.Name.WRITTEN, pause=60)
    assert silences()[Sign.Name.WRITTEN] < timedelta(minutes=1)


# --- The database's clock ------------------------------------------------------------------------


@pytest.fixture
def set_forward(monkeypatch):
    """Sets the database's clock, as far as one can see who compares it with another."""
    real = clock.monotonic

    def by(seconds):
        monkeypatch.setattr(clock, "monotonic", lambda: real() - seconds)

    return by


def test_after_the_clock_was_set_forward_no_lease_counts_as_over_for_as_long_as_one_lasts(
    db, set_forward, settings
):
    watch = ClockWatch()
    watch.look()
    assert watch.can_be_trusted
    set_forward(300)
    watch.look()
    assert not watch.can_be_trusted
    watch.look()
    assert not watch.can_be_trusted
    set_forward(300 - settings.RUN_LEASE_SECONDS - 1)  # so long afterwards
    assert watch.can_be_trusted


@pytest.mark.parametrize("seconds", [-300, 0, 2])
def test_a_clock_that_is_slow_or_was_set_back_ends_no_lease_too_soon(db, set_forward, seconds):
    watch = ClockWatch()
    watch.look()
    set_forward(seconds)
    watch.look()
    assert watch.can_be_trusted


def test_after_the_clock_was_set_back_the_sweep_goes_on_and_finds_queued_runs(ask):
    """Their messages lie in the future, where nobody takes them."""
    run = ask("50.00")
    OrmQ.objects.all().delete()
    ahead = Now() + timedelta(minutes=5)
    Run.objects.filter(pk=run.pk).update(rung_at=ahead, queued_at=ahead)
    Sign.objects.create(name=Sign.Name.SWEEP, at=ahead)
    enqueue_sweep_if_due()
    assert len(queued()) == 1
    assert enqueue_again(door=Door.SCHEDULE) == 1
    assert enqueue_again(door=Door.SCHEDULE) == 0


def test_after_the_clock_was_set_back_no_run_waits_longer_for_its_next_attempt(ask):
    run = ask("50.00")
    OrmQ.objects.all().delete()
    longest = pause_after(MAX_ATTEMPTS)
    Run.objects.filter(pk=run.pk).update(
        due_at=Now() + longest - timedelta(seconds=5), rung_at=Now() + longest
    )
    assert enqueue_again(door=Door.SCHEDULE) == 0
    Run.objects.filter(pk=run.pk).update(due_at=Now() + longest + timedelta(seconds=60))
    assert enqueue_again(door=Door.SCHEDULE) == 1
    run.refresh_from_db()
    assert run.due_at is None
