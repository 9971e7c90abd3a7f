"""The bell: nothing but a run's id goes through django-q2. See tasks/broker.py for the table."""

from uuid import UUID

from django.db import connection
from django_q.exceptions import TimeoutException
from django_q.models import Schedule
from django_q.tasks import async_task

ENTRY_POINT = "tasks.execution.execute"
SWEEP = "tasks.execution.sweep"

# Raised inside a worker when a run's time is over. It is a SystemExit: no `except Exception` sees it.
TimedOut = TimeoutException


def ring(run_id: UUID, *, timeout: int) -> None:
    """Tell a worker that this run is due, when and only when the present transaction commits.

    The message is a row of the same database: an approved run cannot be lost, and a run whose
    approval was rolled back is never announced. Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("ring() belongs into the transaction that queues the run.")
    async_task(ENTRY_POINT, str(run_id), timeout=timeout)


def sweep_each_minute() -> None:
    """Have a cluster call `tasks.execution.sweep` once a minute. The only schedule of the queue."""
    Schedule.objects.update_or_create(
        name="sweep",
        defaults={"func": SWEEP, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )
