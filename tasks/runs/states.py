"""From which state a run may go to which other.

The database repeats it: tasks/migrations/guards/tasks_run.sql.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from audit.history.records import save_with_history
from tasks.models import Run
from tasks.queue import messages
from tasks.runs.concurrency import enqueue_next
from tasks.runs.notifications import notify_of_end
from tasks.runs.subscriptions import notify_subscribers
from tasks.secrets import storage

Status = Run.Status

MOVES: Final[Mapping[str, frozenset[str]]] = {
    Status.AWAITING_APPROVAL: frozenset(
        {Status.QUEUED, Status.REJECTED, Status.RETURNED, Status.CANCELLED, Status.EXPIRED}
    ),
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED, Status.STALE, Status.UNCERTAIN}),
    Status.RUNNING: frozenset(
        {
            Status.SUCCEEDED,
            Status.FAILED,
            Status.UNCERTAIN,
            Status.CANCELLED,
            Status.QUEUED,
            Status.PAUSED,
        }
    ),
    Status.PAUSED: frozenset(
        {Status.QUEUED, Status.CANCELLED, Status.EXPIRED, Status.STALE, Status.UNCERTAIN}
    ),
    Status.UNCERTAIN: frozenset({Status.SUCCEEDED, Status.FAILED, Status.QUEUED}),
}

LOOKED_AT: Final = ("task", "requested_by", "approval")


def locked(runs: QuerySet[Run]) -> QuerySet[Run]:
    """These runs under a row lock, with what the actions look at."""
    return runs.select_for_update(of=("self",)).select_related(*LOOKED_AT)


def move(run: Run, to: Run.Status) -> None:
    """Change the state of a run that is locked, and write the row with its history.

    Raises ValueError for a move that is not in the table: a fault in the caller.
    """
    if to not in MOVES.get(run.status, ()):
        raise ValueError(f"A run that is {run.status} does not become {to}.")
    run.status = to
    save_with_history(run)


def enqueue(run: Run, *, now: datetime, due_at: datetime | None = None) -> None:
    """Queue a run. Its message is put into the queue now, and taken out when the run is due."""
    run.queued_at = now
    run.due_at = due_at
    run.rung_at = due_at or now
    move(run, Status.QUEUED)
    messages.enqueue_run(run.pk, timeout=run.task.timeout, due_at=due_at)


def end(run: Run, status: Run.Status, *, at: datetime | None) -> None:
    """End a run, tell of it, and enqueue the one that had to wait for it.

    Its secrets go, unless somebody may have to send it again.
    """
    was_in_doubt = run.status == Status.UNCERTAIN
    was_in_line = run.status in (Status.QUEUED, Status.RUNNING)
    run.finished_at = at
    run.lease_until = None
    move(run, status)
    if not was_in_doubt:  # else who settles it tells of it
        notify_of_end(run)
    notify_subscribers(run)
    if status != Status.UNCERTAIN:
        storage.forget_secrets(run)
    if was_in_line and run.concurrency_key:
        enqueue_next(run.concurrency_key)
