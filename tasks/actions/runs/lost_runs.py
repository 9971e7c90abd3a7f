"""What happened to runs while nobody was there: found by the sweep, each minute."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from audit.transitions import transition
from tasks.access.restores import is_held
from tasks.actions.runs.lifecycle import may_repeat
from tasks.models import Run
from tasks.queue import messages
from tasks.queue.kill_points import killpoint
from tasks.runs.concurrency import first_with_their_key
from tasks.runs.notifications import notify_of_lost_worker
from tasks.runs.states import end, enqueue, locked

Status = Run.Status


def recover_lost_runs(*, door: str) -> int:
    """Take care of runs whose worker has not been heard of for longer than its lease.

    One that may be sent again goes back into the queue with its keys; any other is uncertain.
    Returns how many there were.
    """
    lost = Run.objects.filter(status=Status.RUNNING, lease_until__lt=Now())
    return sum(_recover(run_id, door) for run_id in lost.values_list("pk", flat=True))


def _recover(run_id: UUID, door: str) -> bool:
    with transition(by=None, door=door, reason="Lost contact with its worker"):
        # Looked at again under the lock: it may have finished, or been found, a moment ago.
        overdue = Run.objects.filter(pk=run_id, status=Status.RUNNING, lease_until__lt=Now())
        run = locked(overdue).annotate(now=Now()).first()
        if run is None:
            return False
        run.lease_until = None
        run.error = "The worker stopped while this was running."
        if may_repeat(run) and not is_held():
            enqueue(run, now=run.now)
            notify_of_lost_worker(run)
        else:
            run.error += " How far it got is unknown."
            end(run, Status.UNCERTAIN, at=run.now)
        killpoint("lost-run-taken")
        return True


def enqueue_again(*, door: str) -> int:
    """Enqueue the queued runs that are due, and those whose message was not answered in time.

    Not for those that wait for another run. Returns for how many. A message too many is harmless: a run is claimed once.
    """
    long_enough = timedelta(seconds=settings.RUN_RING_AGAIN_SECONDS)
    waiting = Run.objects.filter(
        first_with_their_key(),
        Q(due_at=None) | Q(due_at__lte=Now()),
        Q(rung_at=None) | Q(rung_at__lt=Now() - long_enough),
        status=Status.QUEUED,
    ).order_by(Coalesce("due_at", "queued_at"))
    return sum(_enqueue(run_id, door) for run_id in waiting.values_list("pk", flat=True)[:1000])


def _enqueue(run_id: UUID, door: str) -> bool:
    with transition(by=None, door=door):
        run = (
            locked(Run.objects.filter(pk=run_id, status=Status.QUEUED)).annotate(now=Now()).first()
        )
        if run is None:
            return False
        # No history: a second message changes nothing that anybody decides.
        Run.objects.filter(pk=run_id).update(rung_at=run.now)
        messages.enqueue_run(run.pk, timeout=run.task.timeout)
        return True
