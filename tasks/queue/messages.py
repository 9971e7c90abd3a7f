"""What is put into the queue: of a run, nothing but its id. See tasks/queue/broker.py for the table."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Q
from django.db.models.functions import Now
from django_q.brokers import get_broker
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ
from django_q.tasks import async_task

from tasks.models import Sign
from tasks.queue.kill_points import killpoint
from tasks.queue.lanes import MESSAGES, RUNS
from tasks.queue.signs import give, silences

ENTRY_POINT = "tasks.worker.execution.execute"
SWEEP = "tasks.worker.execution.sweep"
PUMP = "tasks.worker.execution.pump"
SWEEPS_EVERY: Final = 60.0  # seconds
WRITES_EVERY: Final = (
    2.0  # seconds: a probe that is called all the time costs a commit now and then
)

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
    with transaction.atomic():
        give(Sign.Name.SWEEP)
        async_task(SWEEP)


def enqueue_sweep_if_due() -> None:
    """The same once a minute, however many clusters ask, and not sooner."""
    with transaction.atomic():
        if give(Sign.Name.SWEEP, pause=SWEEPS_EVERY):
            async_task(SWEEP)


def enqueue_pump(due_at: datetime | None = None, **_: object) -> None:
    """Have a worker call `tasks.worker.execution.pump` once the present transaction has committed.

    In the lane of messages, where no run waits behind it. With `due_at`, not before.
    """
    lane = get_broker(MESSAGES.queue)
    async_task(PUMP, broker=lane if due_at is None else lane.due(due_at), timeout=MESSAGES.timeout)


class QueueStatus(NamedTuple):
    """What the queue's tables show of those who work at them.

    How long ago a cluster of each lane was seen, and a worker had to be replaced. None: never yet.
    """

    waiting: int
    taken: int
    silence: timedelta | None
    messages_silence: timedelta | None
    replaced: timedelta | None


def queue_status() -> QueueStatus:
    """How many messages of runs wait, how many a worker has, and for how long there was no sign of life.

    A cluster gives a sign every few seconds, also while all of its workers are busy.
    """
    messages = OrmQ.objects.filter(key=RUNS.queue).aggregate(
        waiting=Count("pk", filter=Q(lock__lte=Now())), taken=Count("pk", filter=Q(lock__gt=Now()))
    )
    ago = silences()
    return QueueStatus(
        **messages,
        silence=ago.get(Sign.Name.RUNS),
        messages_silence=ago.get(Sign.Name.MESSAGES),
        replaced=ago.get(Sign.Name.REPLACED),
    )


def can_be_written() -> None:
    """Write to the database, at most every few seconds. Raises its error where that cannot be done."""
    give(Sign.Name.WRITTEN, pause=WRITES_EVERY)
