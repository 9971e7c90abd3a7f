"""Stopping, which one person does alone, and starting again, which takes two."""

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.template.defaultfilters import pluralize

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.notifications.notify import notify
from approvals.requests.policy import StageSpec
from approvals.requests.quorum import quorum_holds
from audit.database.clock import database_now
from audit.seals import seal_of
from audit.texts.quoting import quoted
from audit.transitions import Refusal, transition
from tasks import locks
from tasks.access.restores import left_of
from tasks.access.stops import in_a_sentence, in_words, may_stop, people_of, tasks_of, waiting_runs
from tasks.models import OPEN, Run, Stop, Task
from tasks.queue import messages

if TYPE_CHECKING:
    from backoffice.models import User

Scope = Stop.Scope


class NotStopped(Refusal):
    """This person may not stop this, or it is stopped already, or nobody was told why."""


class NotStarted(Refusal):
    """It is not stopped any more, or somebody has proposed to start it already, or may not."""


def stop_tasks(
    scope: Stop.Scope,
    *,
    task: Task | None = None,
    category: str = "",
    by: "User",
    door: str,
    reason: str,
) -> Stop:
    """Stop a task, a category, all that moves money, or everything, at once.

    From the commit on nothing of it begins, no step of it is sent, and nobody can ask for it.
    Raises `NotStopped`.
    """
    stop = Stop(scope=scope, task=task, category=category, stopped_by=by, reason=reason.strip())
    with transition(by=by, door=door, subject=task, reason=reason):
        if not stop.reason:
            raise NotStopped("Enter a reason. Everybody affected by it reads it.")
        if not may_stop(by, stop):
            raise NotStopped(
                f"You can stop {in_words(stop)} only if you can approve or administer one of its tasks."
            )
        locks.hold("stops")  # two who stop the same at the same instant come one after the other
        if Stop.objects.filter(scope=scope, task=task, category=category, ended_at=None).exists():
            raise NotStopped(f"Already stopped: {in_words(stop)}.")
        stop.save(force_insert=True)
        _notify(stop, f"{in_a_sentence(stop)}: {quoted(stop.reason)}", event="stopped")
    return stop


def stop_by_itself(task: Task, by: "User | None", why: str) -> None:
    """Stop a task inside the transaction of what makes it necessary, unless it is stopped already.

    `by` is who brought that about, if anybody did; no right is asked for.
    """
    locks.hold("stops")
    if Stop.objects.filter(scope=Scope.TASK, task=task, ended_at=None).exists():
        return
    stop = Stop.objects.create(scope=Scope.TASK, task=task, stopped_by=by, reason=why)
    _notify(stop, f"Stopped: {in_words(stop)}. {why}", event="stopped")


def stop_everything_by_itself(why: str) -> Stop:
    """Stop everything inside the transaction of what makes it necessary, unless it is stopped already."""
    locks.hold("stops")
    stop = Stop.objects.filter(scope=Scope.EVERYTHING, ended_at=None).first()
    if stop is None:
        stop = Stop.objects.create(scope=Scope.EVERYTHING, reason=why)
    _notify(stop, f"Stopped: {in_words(stop)}. {why}", event="stopped")
    return stop


def propose_start(stop_id: int, *, by: "User", door: str, reason: str) -> ApprovalRequest:
    """Ask that what is stopped starts again: one other person who may stop it has to agree.

    Raises `NotStarted`, and `NobodyCanDecide` when there is no such person.
    """
    subject = Stop.objects.get(pk=stop_id)
    with transition(by=by, door=door, subject=subject, reason=reason):
        stop = Stop.objects.select_for_update(of=("self",)).get(pk=stop_id)
        _may_propose(stop, by, reason)
        stop.approval = approvals.open_request(
            title=f"Restart: {in_words(stop)}"[:300],
            shown={"facts": _facts(stop), "changes": []},
            seal=seal_of({"stop": stop.pk, "scope": stop.scope, "reason": stop.reason}),
            requested_by=by,
            door=door,
            stages=[StageSpec("Restart", 1, people=people_of(stop))],
            reason=reason.strip(),
        )
        stop.save(update_fields=["approval"])
    return stop.approval


def _may_propose(stop: Stop, by: "User", reason: str) -> None:
    if stop.ended_at:
        raise NotStarted("It has already been restarted.")
    if not may_stop(by, stop):
        raise NotStarted(
            f"You can restart {in_words(stop)} only if you can approve or administer one of its tasks."
        )
    if not reason.strip():
        raise NotStarted("Say why it is safe to restart. The reviewer reads it.")
    _must_be_reconciled(stop)
    if stop.approval and stop.approval.status == ApprovalRequest.Status.PENDING:
        raise NotStarted("A restart has already been requested. It needs a second person.")


def _must_be_reconciled(stop: Stop) -> None:
    if left := left_of(stop):
        raise NotStarted(
            f"This database was restored from a backup. {left} unfinished run{pluralize(left)} "
            "must be reconciled first."
        )


def _facts(stop: Stop) -> list[list[str]]:
    return [
        ["Stopped", in_words(stop)],
        ["By", str(stop.stopped_by) if stop.stopped_by else "Automatically"],
        ["Reason", stop.reason],
        ["Queued runs", str(waiting_runs(stop).count())],
        ["What happens next", "Queued runs start at once, if what was approved still holds."],
    ]


def on_start_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear of a decision about a stop, inside its transaction: end it, or leave it."""
    stop = Stop.objects.select_for_update(of=("self",)).filter(approval=request).first()
    if stop is None or request.status != ApprovalRequest.Status.APPROVED:
        return
    agreed = request.decisions.select_related("decided_by").latest("pk").decided_by
    if not quorum_holds(request) or agreed not in people_of(stop):
        raise NotStarted(
            f"You can no longer restart {in_words(stop)}: you cannot approve its tasks."
        )
    _must_be_reconciled(stop)
    stop.ended_at = database_now()
    stop.save(update_fields=["ended_at"])
    for run in waiting_runs(stop).select_related("task"):
        messages.enqueue_run(run.pk, timeout=run.task.timeout)
    _notify(stop, f"Restarted: {in_words(stop)}", event="started")


def _notify(stop: Stop, text: str, *, event: str) -> None:
    """Tell those who may stop it, and those whose runs are held up."""
    held_up = Run.objects.filter(status__in=OPEN, task__in=tasks_of(stop))
    requesters = get_user_model().objects.filter(runs_requested__in=held_up)
    notify({*people_of(stop), *requesters}, event=event, subject=stop, text=text)
