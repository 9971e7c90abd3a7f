"""A run that stops on its way, and goes on when somebody says so: one function for each move."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from approvals import actions as approvals
from approvals.actions import NobodyCanDecide
from approvals.models import ApprovalRequest
from audit.context import current
from audit.database.clock import database_now
from audit.transitions import Refusal, transition
from tasks.access.rights import Right, allowed, require
from tasks.actions.runs.effects import open_effects
from tasks.models import Effect, Pause, Run
from tasks.parameters.currencies import PLACES
from tasks.queue.kill_points import killpoint
from tasks.rules.stages import stage_for_a_look
from tasks.runs.concurrency import enqueue_next
from tasks.runs.notifications import notify_of_pause
from tasks.runs.partial import so_far
from tasks.runs.progress import progress_of
from tasks.runs.seals import seal_of_pause
from tasks.runs.states import end, enqueue, locked, move

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status
SHOWN = 50  # items, with what became of them, to who looks


class NotPausable(Refusal):
    """This run cannot pause, or does not go on because this person says so."""


def pause_run(run_id: UUID | str, *, by: "User", door: str, reason: str = "") -> Run:
    """Ask a run to stop before its next item. For who asked for it, or administers its task.

    Raises `NotPausable` when it has no items or does not run.
    """
    subject = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=subject, reason=reason):
        _require_mine(subject, by)
        run = locked(Run.objects.filter(pk=run_id)).get()
        if why := why_not_pausable(run):
            raise NotPausable(why)
        run.pause_asked_at = database_now()
        run.save()
    return run


def why_not_pausable(run: Run) -> str:
    """Why nobody can ask this run to pause now. Empty when somebody can."""
    if not (run.status == Status.RUNNING or (run.status == Status.QUEUED and run.attempt)):
        return f"Only a running run can be paused. Its status is “{run.get_status_display()}”."
    if not run.effects.items().exists():
        return "This run has no list of items, so it cannot be paused."
    if run.cancel_asked_at:
        return "Cancellation has already been requested."
    return "A pause has already been requested." if run.pause_asked_at else ""


def stop_for_now(run: Run, *, why: str, needs_look: bool, at: datetime) -> None:
    """Pause a locked run, and put it before the people who look where a limit was reached.

    Its worker is free, and it has no lease that could run out.
    """
    pause = Pause(run=run, why=why, needs_look=needs_look, seen=progress_of(run).as_json())
    pause.waits_until = at + waits_for()
    if needs_look:
        pause.approval = _put_to_people(pause)
    pause.save(force_insert=True)
    run.error = ""
    run.lease_until = run.pause_asked_at = None
    move(run, Status.PAUSED)
    notify_of_pause(pause)
    if run.concurrency_key:
        enqueue_next(run.concurrency_key)
    killpoint("pause-written")


def waits_for() -> timedelta:
    """For how long a paused run waits for somebody."""
    return timedelta(days=settings.RUN_PAUSE_DAYS)


def _put_to_people(pause: Pause) -> ApprovalRequest | None:
    """Ask whether the run may go on. None where nobody could be asked: see `resume_run`."""
    run = pause.run
    try:
        return approvals.open_request(
            title=f"Checkpoint: continue “{run.headline[:260]}”?"[:300],
            shown={
                "task": run.task.name,
                "facts": _facts(pause),
                "changes": [],
                "receipts": _receipts(run),
            },
            seal=seal_of_pause(pause),
            requested_by=run.requested_by,
            door=current().door,
            stages=[stage_for_a_look(run)],
            reason=run.reason,
            waits_for=waits_for(),
        )
    except NobodyCanDecide:
        return None


def _facts(pause: Pause) -> list[list[str]]:
    counts = pause.run.effects.sum_key()
    labels = [(state.label, counts[state]) for state in Effect.State if state in counts]
    amounts = pause.seen["amounts"].items()
    return [
        ["Reason for the pause", pause.why],
        ["Approve", "The run continues with the remaining items."],
        [
            "Reject",
            "The run ends here. What is done stays done; the remaining items are not started.",
        ],
        *([label, str(number)] for label, number in labels),
        *(["Done so far", _in_money(amount, currency)] for currency, amount in amounts),
    ]


def _in_money(amount: str, currency: str) -> str:
    if not currency:
        return amount
    return f"{Decimal(amount):.{PLACES.get(currency, 2)}f} {currency}"


def _receipts(run: Run) -> list[list[str]]:
    """What became of the items so far, those that went wrong first."""
    wrong = run.effects.items(Effect.State.REFUSED, Effect.State.OPEN)[:SHOWN]
    fine = run.effects.items(Effect.State.DONE)[: SHOWN - len(wrong)]
    return [
        [item.label, f"{Effect.State(item.state).label}. {item.error}".strip(". ")]
        for item in (*wrong, *fine)
    ]


def resume_run(run_id: UUID | str, *, by: "User", door: str, reason: str = "") -> Run:
    """Let a paused run go on where it stopped, under its approval, which is checked at the claim.

    For who asked for it, or administers its task. Where somebody has to look it is those who were
    asked who decide; where nobody could be asked, who administers the task and did not ask for the run.
    Raises `NotPausable`, or `NotGranted`.
    """
    subject = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=subject, reason=reason):
        _require_mine(subject, by)
        run = locked(Run.objects.filter(pk=run_id)).get()
        pause = open_pause(run)
        if pause is None:
            state = run.get_status_display()
            raise NotPausable(f"This run is not paused. Its status is “{state}”.")
        if why := may_not_resume(pause, by):
            raise NotPausable(why)
        _go_on(pause, by=by)
    return run


def may_not_resume(pause: Pause, person: "User") -> str:
    """Why this person may not simply let the run go on. Empty when they may."""
    if not pause.needs_look:
        return ""
    if pause.approval_id:
        return "This run needs a review before it can continue. The reviewers have been notified."
    if pause.run.requested_by_id == person.pk:
        return "You requested this run, so somebody else has to review it."
    if not allowed(person, Right.CHANGE, pause.run.task):
        return "Only a task administrator can review and resume this run."
    return ""


def open_pause(run: Run) -> Pause | None:
    """Why the run waits now, if it does."""
    if run.status != Status.PAUSED:
        return None
    found = run.pauses.filter(resumed_at=None, ended_at=None).select_related("approval").first()
    if found:
        found.run = run
    return found


def on_pause_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear of a decision about a paused run, inside its transaction: it goes on, or ends."""
    asked = Pause.objects.filter(approval=request).first()
    if asked is None:
        return
    run = locked(Run.objects.filter(pk=asked.run_id)).get()
    pause = open_pause(run)
    if pause is None or pause.pk != asked.pk:
        return
    if request.status != ApprovalRequest.Status.APPROVED:
        ends = {ApprovalRequest.Status.EXPIRED: Status.EXPIRED}
        _end(pause, ends.get(ApprovalRequest.Status(request.status), Status.CANCELLED))
    elif seal_of_pause(pause) != request.seal:
        why = "The stored data does not match what was reviewed."
        _end(pause, Status.STALE, why)
        approvals.mark_stale(request.pk, by=None, door=current().door, reason=why)
        request.refresh_from_db()
    else:
        decision = request.decisions.select_related("decided_by").latest("pk")
        _go_on(pause, by=decision.decided_by)


def stop_here(run: Run, *, by: "User", door: str, reason: str) -> None:
    """End a paused run, for who asked for it or administers its task. What is done stays done."""
    pause = open_pause(run)
    if pause and pause.approval_id:
        # The request is locked before the run, in the order of a decision.
        if run.requested_by_id != by.pk:
            raise NotPausable(
                "The reviewers have been notified. They can reject it to end the run."
            )
        approvals.withdraw(pause.approval_id, by=by, door=door, reason=reason)
        return
    run = locked(Run.objects.filter(pk=run.pk)).get()
    pause = open_pause(run)
    if pause is None:
        state = run.get_status_display()
        raise NotPausable(f"This run is no longer paused. Its status is “{state}”.")
    _end(pause, Status.CANCELLED)


def expire_pauses(*, door: str) -> int:
    """End paused runs for which nobody came in time. Returns how many.

    Those about which people were asked end with their request.
    """
    due = Pause.objects.filter(
        resumed_at=None, ended_at=None, approval=None, waits_until__lte=Now()
    )
    return sum(_expire(run_id, door) for run_id in due.values_list("run_id", flat=True))


def _expire(run_id: UUID, door: str) -> bool:
    with transition(by=None, door=door, reason="Expired: nobody resumed it in time"):
        # Looked at again under the lock: it may have gone on a moment ago.
        run = locked(Run.objects.filter(pk=run_id)).get()
        pause = open_pause(run)
        if pause is None or pause.waits_until > database_now():
            return False
        _end(pause, Status.EXPIRED)
        return True


def _require_mine(run: Run, by: "User") -> None:
    if run.requested_by_id != by.pk:
        require(by, Right.CHANGE, run.task)


def _go_on(pause: Pause, *, by: "User") -> None:
    now = database_now()
    pause.resumed_at, pause.resumed_by = now, by
    pause.save(update_fields=["resumed_at", "resumed_by"])
    enqueue(pause.run, now=now)
    killpoint("resume-written")


def _end(pause: Pause, status: Run.Status, why: str = "") -> None:
    """End a paused run. One whose items are not all known is not said to be known."""
    run, now = pause.run, database_now()
    pause.ended_at = now
    pause.save(update_fields=["ended_at"])
    run.error = f"{why or pause.why} {so_far(run)}"
    doubtful = open_effects(run).exists()
    end(run, Status.UNCERTAIN if doubtful else status, at=now)


def was_left_clean(run: Run) -> bool:
    """Whether the last attempt ended in a pause, so that all it did is known from its items."""
    last = run.pauses.filter(resumed_at__isnull=False).last()
    if last is None or run.started_at is None or last.paused_at < run.started_at:
        return False
    return not open_effects(run).exists()
