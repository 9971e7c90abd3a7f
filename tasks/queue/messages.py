"""What is put into the queue: of a run, nothing but its id. See tasks/queue/broker.py for the table."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django_q.brokers import get_broker
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from tasks.queue.kill_points import killpoint

ENTRY_POINT = "tasks.worker.execution.execute"
SWEEP = "tasks.worker.execution.sweep"
PUMP = "tasks.worker.execution.pump"

# Raised inside a worker when a run's time is over. It is a SystemExit: no `except Exception` sees it.
TimedOut = TimeoutException


def enqueue_run(run_id: UUID, *, timeout: int, due_at: datetime | None = None) -> None:
    """Tell a worker that this run is due, when and only when the present transaction commits.

    With `due_at`, no worker sees the message before. The message is a row of the same database: an
    approved run cannot be lost, and a run whose approval was rolled back is never announced. Raises
    RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("enqueue_run() belongs into the transaction that queues the run.")
    later = {} if due_at is None else {"broker": get_broker().due(due_at)}
    async_task(ENTRY_POINT, str(run_id), timeout=timeout, **later)
    killpoint("message-written")


def enqueue_sweep() -> None:
    """Have the next free worker call `tasks.worker.execution.sweep`. For a cluster that starts."""
    async_task(SWEEP)


def enqueue_pump(due_at: datetime | None = None, **_: object) -> None:
    """Have a worker call `tasks.worker.execution.pump` once the present transaction has committed.

    With `due_at`, not before.
    """
    later = {} if due_at is None else {"broker": get_broker().due(due_at)}
    async_task(PUMP, **later)


def schedule_sweep() -> None:
    """Have a cluster call `tasks.worker.execution.sweep` once a minute. The only schedule of the queue."""
    Schedule.objects.update_or_create(
        name="sweep",
        defaults={"func": SWEEP, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )


class QueueStatus(NamedTuple):
    """What the queue's tables show of those who work at them."""

    waiting: int
    taken: int
    silence: timedelta | None


def queue_status() -> QueueStatus:
    """How many messages wait, how many a worker has, and for how long there was no sign of life.

    The first cluster to see that a minute is over sends the sweep and moves its row on to the next
    minute, also while all of its workers are busy. So the silence stays below two minutes while any
    cluster lives, and grows when none does. None: there has not been one yet.
    """
    messages = OrmQ.objects.aggregate(
        waiting=Count("pk", filter=Q(lock__lte=Now())), taken=Count("pk", filter=Q(lock__gt=Now()))
    )
    # `task` is the newest message of the schedule; `migrate` makes the row without one.
    sweep = Schedule.objects.filter(name="sweep").exclude(task=None)
    overdue = sweep.annotate(by=Now() - F("next_run")).values_list("by", flat=True).first()
    return QueueStatus(
        **messages, silence=None if overdue is None else overdue + timedelta(minutes=1)
    )
