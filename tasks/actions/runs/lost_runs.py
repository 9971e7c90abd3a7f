"""What happened to runs while nobody was there: found by the sweep, each minute."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from audit.transitions import transition
from tasks.access.restores import is_held
from tasks.actions.runs.effects import open_effects
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS, may_repeat, pause_after, tries_of
from tasks.actions.runs.pauses import stop_for_now
from tasks.models import Effect, Run
from tasks.queue import messages
from tasks.queue.kill_points import killpoint
from tasks.runs.concurrency import first_with_their_key
from tasks.runs.notifications import notify_of_lost_worker
from tasks.runs.partial import has_done_something, so_far
from tasks.runs.states import end, enqueue, locked

Status = Run.Status
State = Effect.State


def recover_lost_runs(*, door: str) -> int:
    """Take care of runs whose worker has not been heard of for longer than its lease.

    One that may be sent again goes back into the queue with its keys. One whose rows say how far it
    came, so that it can go on from there, is paused. Any other is uncertain. Returns how many there were.
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
        elif _can_go_on(run):
            stop_for_now(run, why=_how_far(run), needs_look=False, at=run.now)
        else:
            run.error += f" {_known(run)}"
            end(run, Status.UNCERTAIN, at=run.now)
        killpoint("lost-run-taken")
        return True


def _can_go_on(run: Run) -> bool:
    """Whether its rows say how far it came, and it may go on from there.

    It was lost between two of its items, as far as its rows tell, where it could have paused as well; or
    its code may be run again, and was only lost too often.
    """
    if run.cancel_asked_at or open_effects(run).exists():
        return False
    items = run.effects.sum_key()
    return bool(items.get(State.NOT_BEGUN)) or (run.task.idempotent and has_done_something(run))


def _how_far(run: Run) -> str:
    times = "once" if tries_of(run) == 1 else f"{tries_of(run)} times"
    return f"Its worker stopped {times} while this was running. {so_far(run)} It can be resumed."


def _known(run: Run) -> str:
    if not run.effects.exists():
        return "How far it got is unknown."
    if open_effects(run).exists():
        return f"{so_far(run)} A step was sent and had no answer."
    return f"{so_far(run)} Whether anything else was done is unknown."


def enqueue_again(*, door: str) -> int:
    """Enqueue the queued runs that are due, and those whose message was not answered in time.

    One that was enqueued in the future, or waits for longer than a run ever waits for its next attempt,
    has a message that nobody takes: the database's clock was set back. Not for those that wait for another run. Returns for how many. A message too many is harmless: a run is claimed once.
    """
    long_enough = timedelta(seconds=settings.RUN_RING_AGAIN_SECONDS)
    waiting = Run.objects.filter(
        first_with_their_key(),
        Q(due_at=None) | Q(due_at__lte=Now()) | Q(due_at__gt=Now() + pause_after(MAX_ATTEMPTS)),
        Q(rung_at=None) | Q(rung_at__lt=Now() - long_enough) | Q(rung_at__gt=Now()),
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
        Run.objects.filter(pk=run_id).update(rung_at=run.now, due_at=None)
        messages.enqueue_run(run.pk, timeout=run.task.timeout)
        return True
