"""What a person makes of an uncertain run, after a look at the other side."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models.functions import Now

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.requests.policy import StageSpec
from approvals.requests.quorum import quorum_holds
from audit.context import current
from audit.database.clock import database_now
from audit.transitions import Refusal, transition
from tasks import parameters
from tasks.access.rights import NotGranted, Right, allowed, require
from tasks.actions.runs.drafts import code_of
from tasks.actions.runs.findings import follow, objection
from tasks.actions.runs.look_ups import Look, last_look
from tasks.models import Resolution, Run
from tasks.rules.stages import stages_for_resolving
from tasks.runs.notifications import notify_of_resolution
from tasks.runs.seals import seal_of_resolution
from tasks.runs.states import locked
from tasks.runs.texts import FOLLOWS

if TYPE_CHECKING:
    from backoffice.models import User

Finding = Resolution.Finding
Status = Run.Status


class NotResolved(Refusal):
    """This person may not settle this run, or not in this way."""


def resolve_run(
    run_id: UUID | str,
    *,
    finding: Resolution.Finding | str,
    by: "User",
    door: str,
    reason: str,
    look: int | None = None,
) -> Resolution:
    """Write down what somebody who looked has found out about an uncertain run, and do what follows.

    Where a rule of the task says so it is a proposal, which follows when others have agreed. `look`
    is the id of the look-up that this person was shown: whether or not it is named, the newest one
    counts. For people who administer the task, other than the one who asked. Raises `NotResolved`, or `NotGranted` for everybody else.
    """
    subject = Run.objects.select_related("task").get(pk=run_id)
    finding, reason = Finding(finding), reason.strip()
    with transition(by=by, door=door, subject=subject, reason=reason):
        require(by, Right.CHANGE, subject.task)
        run = locked(Run.objects.filter(pk=run_id)).annotate(now=Now()).get()
        _check(run, by, reason)
        seen = _seen(run, look)
        if why := objection(run, finding, seen, at=run.now):
            raise NotResolved(f"You cannot choose “{finding.label}” now. {why}")
        resolution = Resolution(run=run, finding=finding, reason=reason, resolved_by=by)
        resolution.looked_up = seen.texts if seen else []
        if stages := stages_for_resolving(run, by):
            resolution.approval = _put_to_people(resolution, door, stages)
        else:
            resolution.applied_at = run.now
        resolution.save(force_insert=True)
        notify_of_resolution(resolution)
        if resolution.applied_at:
            follow(run, resolution, seen)
    return resolution


def may_not_resolve(run: Run, person: "User") -> str:
    """Why this person may not settle this run, whatever they found. Empty when they may."""
    if run.status != Status.UNCERTAIN:
        state = run.get_status_display()
        return f"The outcome of this run is already known. Its status is “{state}”."
    if run.requested_by_id == person.pk:
        return "You requested this run, so somebody else has to resolve it."
    if not allowed(person, Right.CHANGE, run.task):
        return f"Only a task administrator of “{run.task}” can resolve this run."
    return ""


def open_resolution(run: Run) -> Resolution | None:
    """What somebody has proposed and others have not decided yet."""
    proposed = run.resolutions.filter(applied_at=None, dropped_at=None)
    return proposed.select_related("resolved_by", "approval").first()


def _check(run: Run, by: "User", reason: str) -> None:
    if why := may_not_resolve(run, by):
        raise NotResolved(why)
    if proposed := open_resolution(run):
        raise NotResolved(
            f"{proposed.resolved_by} has already proposed a resolution, and it awaits approval. "
            "Propose another one if it is rejected or withdrawn."
        )
    if not reason:
        raise NotResolved("Say what you checked and found. It is kept in the audit log.")


def _seen(run: Run, look: int | None) -> Look | None:
    """The newest look-up on record. Raises `NotResolved` where this person was shown another."""
    newest = last_look(run, before=database_now())
    if look is not None and (newest is None or newest.id != look):
        raise NotResolved("Somebody has looked it up again. Check the new result and choose.")
    return newest


def _put_to_people(resolution: Resolution, door: str, stages: list[StageSpec]) -> ApprovalRequest:
    run = resolution.run
    return approvals.open_request(
        title=f"Resolve: {run.headline}"[:300],
        shown={"task": run.task.name, "facts": _facts(resolution), "changes": []},
        seal=seal_of_resolution(resolution),
        requested_by=resolution.resolved_by,
        door=door,
        stages=stages,
        reason=resolution.reason,
    )


def _facts(resolution: Resolution) -> list[list[str]]:
    run = resolution.run
    return [
        ["Found", resolution.get_finding_display()],
        ["What happens next", FOLLOWS[resolution.finding]],
        ["Looked up", "\n".join(resolution.looked_up) or "Not by the task's look-up."],
        ["Run", run.headline],
        [
            "Requested by",
            f"{run.requested_by}: {run.reason}" if run.reason else str(run.requested_by),
        ],
        ["Error", run.error],
        *(list(pair) for pair in _parameters(run)),
    ]


def _parameters(run: Run) -> list[tuple[str, str]]:
    try:
        declared = parameters.read(code_of(run.task).function)
    except NotGranted:
        declared = []
    return parameters.display(declared, run.values)


def on_resolution_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear of a decision about a settlement, inside its transaction: apply it, or drop it."""
    proposed = Resolution.objects.filter(approval=request).select_related("resolved_by").first()
    if proposed is None:
        return
    run = locked(Run.objects.filter(pk=proposed.run_id)).get()
    proposed.run = run
    if request.status != ApprovalRequest.Status.APPROVED:
        _drop(proposed)
    elif why := _out_of_date(proposed, request):
        _drop(proposed)
        approvals.mark_stale(request.pk, by=None, door=current().door, reason=why)
        request.refresh_from_db()
    else:
        proposed.applied_at = database_now()
        proposed.save(update_fields=["applied_at"])
        notify_of_resolution(proposed)
        follow(run, proposed, _look_of(proposed))


def _drop(resolution: Resolution) -> None:
    resolution.dropped_at = database_now()
    resolution.save(update_fields=["dropped_at"])


def _out_of_date(proposed: Resolution, request: ApprovalRequest) -> str:
    """Why what was proposed does not hold any more. Empty when it does."""
    run = proposed.run
    if run.status != Status.UNCERTAIN or _ended_since(run, proposed):
        return "The run has moved on since this was proposed."
    if seal_of_resolution(proposed) != request.seal:
        return "The stored data does not match what was approved."
    if not allowed(proposed.resolved_by, Right.CHANGE, run.task):
        return "The person who proposed it no longer administers the task."
    if not quorum_holds(request):
        return "Somebody who approved it is no longer eligible."
    shown, newest = _look_of(proposed), last_look(run, before=database_now())
    if newest and (shown is None or newest.happened != shown.happened):
        return "A look-up since it was proposed shows something else."
    return objection(run, Finding(proposed.finding), shown, at=proposed.proposed_at)


def _look_of(proposed: Resolution) -> Look | None:
    """What its author was shown: events never change, so it is what the seal covers."""
    if not proposed.looked_up:
        return None
    return last_look(proposed.run, before=proposed.proposed_at)


def _ended_since(run: Run, proposed: Resolution) -> bool:
    return run.finished_at is not None and run.finished_at > proposed.proposed_at
