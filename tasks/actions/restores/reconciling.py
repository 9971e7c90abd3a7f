"""What a person decides about each unfinished run of a database that was restored from a backup.

Between the backup and the restore a run may have been approved and done. A look-up asks the external
system for each step that the run may have made, under the keys that it would have had.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import F

from approvals import actions as approvals
from audit.database.clock import database_now
from audit.transitions import Refusal, transition
from tasks.access.restores import open_restore, to_reconcile
from tasks.actions.runs.effects import answer_effect, key_of
from tasks.actions.runs.look_ups import (
    FRESH,
    LOST_GENERATIONS,
    Look,
    StepShown,
    last_look,
    look_for,
    look_up_of,
)
from tasks.actions.runs.pauses import open_pause, stop_here, was_left_clean
from tasks.declaration.look_up import Sent
from tasks.models import DatabaseIdentity, Effect, Reconciliation, Run
from tasks.runs.states import end, locked
from tasks.secrets.redaction import redactor_for

if TYPE_CHECKING:
    from backoffice.models import User

Decision = Reconciliation.Decision
Status = Run.Status

EARLIER: Final = 200  # runs of the task whose steps count as usual, the newest
USUAL: Final = 20  # names of steps that earlier runs of the task had


class NotReconciled(Refusal):
    """There is nothing to reconcile, or not by this person, or not in this way."""


def look_up_unfinished(run_id: UUID | str, *, by: "User", door: str) -> Look:
    """Ask the external system for the steps that an unfinished run may have made. Nothing changes there.

    Raises `NotReconciled`.
    """
    subject = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=subject):
        _restore_of(subject, by)
        registered = look_up_of(subject)
        if registered is None:
            raise NotReconciled("This task has no look-up.")
    return look_for(registered, subject, steps_to_look_for(subject), by=by, door=door)


def steps_to_look_for(run: Run) -> list[Sent]:
    """The steps without an answer, and those that earlier runs of the task had and this one has not."""
    own = {effect.step: effect for effect in run.effects.order_by("generation")}
    newest = Run.objects.filter(task=run.task).exclude(pk=run.pk).order_by("-requested_at", "-pk")
    others = Effect.objects.filter(run__in=newest.values("pk")[:EARLIER], position=None)
    # A step in our own database is answered as it is written: it is restored with the rest.
    others = others.exclude(answered_at=F("sent_at"))
    usual = others.order_by("step").values_list("step", flat=True).distinct()[:USUAL]
    since = run.queued_at or run.requested_at
    sent = [
        Sent(step, _keys(run, step, effect.generation), since, effect.label)
        for step, effect in own.items()
        if effect.answered_at is None
    ]
    return sent + [Sent(step, _keys(run, step, 1), since) for step in usual if step not in own]


def _keys(run: Run, step: str, newest: int) -> list[str]:
    """Of every generation so far, and of those that the time which is lost may have brought."""
    return [key_of(run, step, number) for number in range(newest + LOST_GENERATIONS, 0, -1)]


def reconcile_run(
    run_id: UUID | str, *, decision: Decision | str, by: "User", door: str, reason: str
) -> Reconciliation:
    """Write down what an administrator has found out about an unfinished run, and do what follows.

    Nothing starts before each run is reconciled and two people have restarted everything. Raises
    `NotReconciled`.
    """
    subject = Run.objects.select_related("task").get(pk=run_id)
    decision, reason = Decision(decision), reason.strip()
    with transition(by=by, door=door, subject=subject, reason=reason):
        restore = _restore_of(subject, by)
        if not reason:
            raise NotReconciled("Say what you checked and found. It is kept in the audit log.")
        # A request is locked before its run, in the order of a decision.
        now = database_now()
        look = last_look(subject, before=now, since=restore.recorded_at)
        if why := objection(subject, decision, look, at=now):
            raise NotReconciled(f"You cannot choose “{decision.label}” now. {why}")
        _FOLLOWS[decision](subject, look, by, door, reason)
        return Reconciliation.objects.create(
            identity=restore,
            run=subject,
            decision=decision,
            reason=reason,
            looked_up=look.texts if look else [],
            decided_by=by,
            door=door,
        )


def objection(run: Run, decision: Decision, look: Look | None, *, at: datetime) -> str:
    """Why this cannot be decided about a run now. Empty when it can."""
    match decision:
        case Decision.KEEP:
            return _to_keeping(run, look, at)
        case Decision.UNKNOWN:
            return _to_doubting(run, look)
    clean = run.status == Status.QUEUED and (run.attempt == 0 or was_left_clean(run))
    if clean or run.status in (Status.AWAITING_APPROVAL, Status.PAUSED):
        return ""
    return "It has begun, so something may have been done."


def _to_keeping(run: Run, look: Look | None, at: datetime) -> str:
    if run.status == Status.RUNNING:
        return "Its worker is missed within two minutes. Then its outcome is unknown."
    if not (look_up_of(run) and steps_to_look_for(run)):
        return ""  # what the person has checked is all there is
    if look is None or at - look.at > FRESH:
        return "Look it up first. A look-up counts for 10 minutes."
    if unclear := [step.step for step in look.steps if step.happened is None]:
        return f"The look-up does not show whether “{unclear[0]}” happened."
    done = [step.step for step in look.steps if step.happened]
    if done and run.status == Status.AWAITING_APPROVAL:
        return f"The look-up shows that “{done[0]}” happened. It must not be approved again."
    # The resolution of one whose outcome is unknown asks again.
    return "" if run.status == Status.UNCERTAIN else look.hidden


def _to_doubting(run: Run, look: Look | None) -> str:
    if run.status != Status.QUEUED:
        return f"Its status is “{run.get_status_display()}”."
    if run.effects.items().exists() and not (look and look.hidden):
        return "It has items. Keep it: each item that the look-up shows is recorded as done."
    return ""


def _restore_of(run: Run, by: "User") -> DatabaseIdentity:
    if not (by.is_superuser and by.is_active):
        raise NotReconciled("Only an administrator can reconcile a restored database.")
    restore = open_restore()
    if restore is None:
        raise NotReconciled("There is no restored database to reconcile.")
    if not to_reconcile(restore).filter(pk=run.pk).exists():
        raise NotReconciled("This run is reconciled already, or is over.")
    return restore


def _keep(run: Run, look: Look | None, by: "User", door: str, reason: str) -> None:
    """What the look-up found is recorded, so that it is not sent; the rest is sent when work restarts."""
    run = _locked(run)
    recorded = [_record(run, shown) for shown in _done_of(run, look)]
    if recorded and run.attempt == 0:
        run.attempt = 1  # in the time that is lost
        run.save()


def _done_of(run: Run, look: Look | None) -> Iterator[StepShown]:
    """What happened, but for steps of a run whose outcome is unknown: its resolution records those."""
    waiting = (
        set()
        if run.status != Status.UNCERTAIN
        else {effect.step for effect in run.effects.filter(answered_at=None, sent_at__isnull=False)}
    )
    for shown in look.steps if look else []:
        if shown.happened and shown.step not in waiting:
            yield shown


def _record(run: Run, shown: StepShown) -> Effect:
    effect = run.effects.filter(step=shown.step).order_by("-generation").first()
    if effect is None:
        effect = Effect(run=run, step=shown.step, key=key_of(run, shown.step))
    effect.sent_at = effect.sent_at or database_now()
    effect.save()
    if not shown.hides_secret:  # else it is without an answer, which its resolution looks up
        answer_effect(effect, shown.answer, redactor_for(run))
    return effect


def _doubt(run: Run, look: Look | None, by: "User", door: str, reason: str) -> None:
    """Its outcome is unknown: it is resolved like any other, by people who look each step up."""
    run = _locked(run)
    for sent in steps_to_look_for(run):
        effect, _ = Effect.objects.get_or_create(
            run=run, step=sent.step, answered_at=None, defaults={"key": key_of(run, sent.step)}
        )
        if effect.sent_at is None:
            effect.sent_at = sent.since
            effect.save(update_fields=["sent_at"])
    run.attempt = max(run.attempt, 1)
    run.started_at = run.started_at or run.queued_at
    run.error = f"It may have been done between the backup and the restore. {by}: {reason}"
    end(run, Status.UNCERTAIN, at=database_now())


def _cancel(run: Run, look: Look | None, by: "User", door: str, reason: str) -> None:
    pause = open_pause(run)
    asked = pause.approval_id if pause else run.approval_id
    if run.status == Status.QUEUED:
        end(_locked(run), Status.CANCELLED, at=database_now())
    elif asked:
        approvals.close_for_requester(asked, by=by, door=door, reason=reason)
    else:
        stop_here(run, by=by, door=door, reason=reason)


def _locked(run: Run) -> Run:
    """The run under its lock. Raises `NotReconciled` if it has moved on since it was read."""
    found = locked(Run.objects.filter(pk=run.pk)).get()
    if found.status != run.status:
        raise NotReconciled("The run has changed since you opened it. Check it again.")
    return found


_FOLLOWS: Final[Mapping[Decision, Callable[[Run, Look | None, "User", str, str], None]]] = {
    Decision.KEEP: _keep,
    Decision.UNKNOWN: _doubt,
    Decision.CANCEL: _cancel,
}
