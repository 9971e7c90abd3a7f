"""The life of a run after it was asked for, one function for each of its moves."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.requests.quorum import quorum_holds
from audit.database.clock import database_now
from audit.database.statements import Given, ObjectStatement
from audit.transitions import Refusal, transition
from tasks.access.emergencies import why_not_without_approval
from tasks.access.rights import Right, allowed, require
from tasks.access.stops import task_is_stopped
from tasks.actions.runs.effects import open_effects_of, sent_too_long_ago
from tasks.actions.runs.pauses import stop_for_now, stop_here, was_left_clean
from tasks.models import Emergency, Run
from tasks.queue.kill_points import killpoint
from tasks.queue.releases import is_known_here
from tasks.runs.concurrency import may_begin
from tasks.runs.outdated import why_outdated
from tasks.runs.partial import has_done_something, so_far
from tasks.runs.previews import why_not_as_approved
from tasks.runs.seals import seal_of_run
from tasks.runs.states import LOOKED_AT, end, enqueue, locked, move
from tasks.runs.subscriptions import open_subscriptions_to
from tasks.secrets.storage import answers_with_secrets

if TYPE_CHECKING:
    from backoffice.models import User

logger = logging.getLogger(__name__)

Status = Run.Status

ENDED_BY: dict[str, Run.Status] = {
    ApprovalRequest.Status.REJECTED: Status.REJECTED,
    ApprovalRequest.Status.RETURNED: Status.RETURNED,
    ApprovalRequest.Status.WITHDRAWN: Status.CANCELLED,
    ApprovalRequest.Status.EXPIRED: Status.EXPIRED,
}
MAX_ATTEMPTS: Final = 4

_TO_BEGIN: Final = ObjectStatement(
    lambda: Run.objects.filter(pk=Given("run")).annotate(now=Now()),
    joined=LOOKED_AT,
    annotated=["now"],
    lock=True,
)
_TO_END: Final = ObjectStatement(
    lambda: Run.objects.filter(pk=Given("run")).annotate(
        now=Now(),
        in_doubt=Exists(open_effects_of(OuterRef("pk"))),
        subscribed=Exists(open_subscriptions_to(OuterRef("task"))),
        secret_answers=Exists(answers_with_secrets(OuterRef("pk"))),
    ),
    joined=["task", "requested_by"],
    annotated=["now", "in_doubt", "subscribed", "secret_answers"],
    lock=True,
)


class NotCancellable(Refusal):
    """The run is over."""


def on_request_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear of a decision, inside its transaction: queue the run, or end it."""
    run = locked(Run.objects.filter(approval=request)).first()
    if run is None:
        return
    if request.status == ApprovalRequest.Status.APPROVED or _is_emergency(run):
        enqueue(run, now=database_now())
    else:
        end(run, ENDED_BY[request.status], at=request.closed_at)
    killpoint("decision-written")


def cancel_run(run_id: UUID | str, *, by: "User", door: str, reason: str = "") -> Run:
    """Take a run back: at once before it begins, else as soon as its code looks.

    For who asked for it, or administers its task. Raises `NotCancellable` when it is over,
    `NotGranted` for anybody else.
    """
    run = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=run, reason=reason):
        if run.requested_by_id != by.pk:
            require(by, Right.CHANGE, run.task)
        if run.status == Status.AWAITING_APPROVAL and run.approval_id:
            # The request is locked before the run, in the order of a decision.
            approvals.withdraw(run.approval_id, by=by, door=door, reason=reason)
        elif run.status == Status.PAUSED:
            stop_here(run, by=by, door=door, reason=reason)
        else:
            _cancel_begun(run)
    run.refresh_from_db()
    return run


def _cancel_begun(run: Run) -> None:
    run = locked(Run.objects.filter(pk=run.pk)).get()
    if run.status == Status.QUEUED and (run.attempt == 0 or was_left_clean(run)):
        end(run, Status.CANCELLED, at=database_now())
    elif run.status in (Status.QUEUED, Status.RUNNING):
        run.cancel_asked_at = run.cancel_asked_at or database_now()
        run.save()
    else:
        state = run.get_status_display()
        raise NotCancellable(f"This run can no longer be cancelled. Its status is “{state}”.")


def start_run(run_id: UUID | str, *, worker: str, door: str) -> Run | None:
    """Claim a queued run for this worker, after checking everything again.

    None when it is not waiting for a worker (a message delivered twice, a run cancelled
    meanwhile, one that is not due yet), when another with its key has to be over first, when this
    worker's code is not that of the last deploy, or when the run has become out of date, which is
    then recorded.
    """
    with transition(by=None, door=door):
        run = _TO_BEGIN.first(run=run_id)
        if run is None or not _is_due(run):
            return None
        if not is_known_here(run.task):
            _leave_to_others(run)
            return None
        if why := _out_of_date(run):
            _give_up(run, why, door)
            return None
        if not may_begin(run):
            return None  # the end of the one before it enqueues this one
        # Now that nobody with its key runs, and nobody will until it is over.
        if why := why_not_as_approved(run):
            _give_up(run, why, door)
            return None
        run.attempt += 1
        run.error = ""  # that of the attempt before is in the history
        run.due_at = None
        run.worker = worker
        run.started_at = run.now
        run.lease_until = run.now + lease()
        move(run, Status.RUNNING)
        killpoint("claim-written")
    killpoint("claimed")
    return run


def _is_due(run: Run) -> bool:
    """Whether it waits for a worker now. What is stopped waits on: who starts it again enqueues it."""
    later = run.due_at is not None and run.due_at > run.now  # type: ignore[attr-defined]
    return run.status == Status.QUEUED and not later and not task_is_stopped(run.task)


def lease() -> timedelta:
    """For how long a worker has a run without saying that it still lives."""
    return timedelta(seconds=settings.RUN_LEASE_SECONDS)


def _leave_to_others(run: Run) -> None:
    """Leave a queued run to a worker with the code of the last deploy, or of the next.

    No history: nothing was decided. The next sweep enqueues it, and not sooner: a worker that
    rang for it here could be the one that hears it.
    """
    logger.warning(
        "Run %s stays in the queue: the code of “%s” in this worker is not that of the last "
        "`migrate`. Restart the worker with the deployed code.",
        run.pk,
        run.task,
    )
    Run.objects.filter(pk=run.pk).update(rung_at=None)


def _out_of_date(run: Run) -> str:
    """Why what was asked and approved is not what would run now. Empty when it is."""
    if why := why_outdated(run):
        return why
    if seal_of_run(run) != run.seal:
        return "The stored data does not match what was requested."
    right = Right.REQUEST if run.needs_approval else Right.EXECUTE
    if not allowed(run.requested_by, right, run.task):
        return "The requester no longer has permission to run this."
    return _approval_missing(run) if run.needs_approval else ""


def _is_emergency(run: Run) -> bool:
    return Emergency.objects.filter(run=run).exists()


def _approval_missing(run: Run) -> str:
    request = run.approval
    if request and request.status != ApprovalRequest.Status.APPROVED:
        # Where the run's lock was waited for, the request was read before the wait.
        request.refresh_from_db()
    if request is None or request.status != ApprovalRequest.Status.APPROVED:
        return why_not_without_approval(run)
    if request.seal != run.seal:
        return "What would run does not match what was approved."
    if not quorum_holds(request):
        return "Somebody who approved it is no longer eligible."
    return ""


def _give_up(run: Run, why: str, door: str) -> None:
    if run.attempt and was_left_clean(run):
        run.error = f"{why} {so_far(run)}"
        end(run, Status.STALE, at=database_now())
    elif run.attempt:  # an attempt before this one may have done something
        run.error = f"{why} An earlier attempt may have had an effect."
        end(run, Status.UNCERTAIN, at=database_now())
        return
    else:
        run.error = f"{why} Nothing was done. You can request it again."
        end(run, Status.STALE, at=database_now())
    if run.approval and run.approval.status == ApprovalRequest.Status.APPROVED:
        approvals.mark_stale(run.approval.pk, by=None, door=door, reason=why)


def give_up_late(run_id: UUID | str, *, within: str, door: str) -> None:
    """End a run whose preview took all of its time at the claim, instead of trying it for ever."""
    with transition(by=None, door=door):
        run = locked(Run.objects.filter(pk=run_id, status=Status.QUEUED, attempt=0)).first()
        if run:
            why = f"The preview could not be repeated within {within}."
            _give_up(run, why, door)


def extend_lease(run_id: UUID, *, attempt: int) -> Run | None:
    """Say that the worker of this attempt still lives. None when the run is not its own any more.

    No history: a heartbeat changes nothing that anybody decides.
    """
    mine = Run.objects.filter(pk=run_id, attempt=attempt, status=Status.RUNNING)
    if not mine.update(lease_until=Now() + lease()):
        return None
    return mine.only("cancel_asked_at", "pause_asked_at").first()


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: succeeded with an output, or failed, uncertain, cancelled with an error.

    `repeat` says that the same may be tried again, under the same keys. Paused with the reason, by a
    limit where `needs_look`.
    """

    status: Run.Status
    output: dict[str, Any] | None = None
    error: str = ""
    traceback: str = ""
    repeat: bool = False
    needs_look: bool = False


def finish_run(run_id: UUID, *, attempt: int, outcome: Outcome, door: str) -> Run.Status | None:
    """Write down how an attempt ended, and return the state that it leaves the run in.

    Another attempt's late answer changes nothing: None.
    """
    with transition(by=None, door=door):
        run = _TO_END.get(run=run_id)
        if run.status != Status.RUNNING or run.attempt != attempt:
            return None
        if run.in_doubt and not (outcome.status == Status.PAUSED and may_repeat(run)):
            outcome = _in_doubt(outcome)
        if _is_held_up(run, outcome):
            outcome = _for_later(run, outcome)
        run.output = outcome.output
        run.error = outcome.error
        run.traceback = outcome.traceback
        if outcome.repeat and may_repeat(run):
            _try_again(run, now=run.now)
        elif outcome.status == Status.PAUSED:
            stop_for_now(run, why=outcome.error, needs_look=outcome.needs_look, at=run.now)
        else:
            end(run, outcome.status, at=run.now)
        killpoint("end-written")
    return Status(run.status)


def _in_doubt(outcome: Outcome) -> Outcome:
    """No other end hides that a step was sent whose answer is not known, by this attempt or before.

    The same key may be sent again: the answer that is missing may still be had.
    """
    if outcome.status == Status.UNCERTAIN:
        return outcome
    text = f"{outcome.error} A step was sent and had no answer.".strip()
    failed = outcome.status == Status.FAILED
    return replace(outcome, status=Status.UNCERTAIN, output=None, error=text, repeat=failed)


def _is_held_up(run: Run, outcome: Outcome) -> bool:
    """Whether it has done something, and what hindered the rest may pass: it was only tried too often."""
    return (
        outcome.status == Status.FAILED
        and outcome.repeat
        and tries_of(run) >= MAX_ATTEMPTS
        and run.cancel_asked_at is None
        and has_done_something(run)
    )


def _for_later(run: Run, outcome: Outcome) -> Outcome:
    """As failed it would be asked for again, and do a second time what it has done."""
    why = f"It failed {tries_of(run)} times. {so_far(run)} It can be resumed."
    return Outcome(Status.PAUSED, error=f"{why} Last error: {outcome.error}")


def may_repeat(run: Run) -> bool:
    """Whether the run may be sent again by itself, under the keys it has."""
    return (
        run.task.idempotent
        and run.cancel_asked_at is None
        and tries_of(run) < MAX_ATTEMPTS
        and not sent_too_long_ago(run)
    )


def tries_of(run: Run) -> int:
    """How many attempts there were, without those that ended in a pause and took nothing wrong."""
    return run.attempt - run.pauses.count()


def pause_after(tries: int) -> timedelta:
    """How long a run waits for its next attempt, after so many."""
    pause: timedelta = timedelta(seconds=settings.RUN_FIRST_PAUSE_SECONDS) * 4 ** (tries - 1)
    return pause


def _try_again(run: Run, *, now: datetime) -> None:
    run.lease_until = None
    enqueue(run, now=now, due_at=now + pause_after(tries_of(run)))
