"""The life of a run, one function for each of its moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.forms import Form

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.policy import StageSpec, quorum_holds
from audit.clock import database_now
from audit.transitions import Refusal, transition
from tasks import parameters, queue, vault
from tasks.access import NotGranted, Right, allowed, require
from tasks.calling import call_with
from tasks.errors import Refused
from tasks.models import Run, Task
from tasks.registry import RegisteredTask, UnknownTask, registry
from tasks.rules import rules_that_apply
from tasks.seals import seal_of_run
from tasks.stages import stages_for

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status

ENDED_BY: dict[str, Run.Status] = {
    ApprovalRequest.Status.REJECTED: Status.REJECTED,
    ApprovalRequest.Status.WITHDRAWN: Status.CANCELLED,
    ApprovalRequest.Status.EXPIRED: Status.EXPIRED,
}


class NotCancellable(Refusal):
    """The run has begun or is over."""


class InvalidValues(Exception):
    """The values break the task's rules. `form` holds them with a message beside each field."""

    def __init__(self, form: Form) -> None:
        super().__init__(form.errors.as_text())
        self.form = form


@dataclass(frozen=True)
class Draft:
    """A run that nobody has asked for yet: its parameters, and what it would change."""

    registered: RegisteredTask
    form: Form
    frozen: dict[str, Any]
    preview: list[list[str]]


def request_run(
    task_id: int,
    *,
    requested_by: "User",
    door: str,
    values: Mapping[str, Any],
    files: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Run:
    """Ask for a run: it is queued at once, or waits for the people its rules name.

    `values` and `files` are what a form would send. Raises `InvalidValues` when they break a rule
    of the task, and a `Refusal` when this person may not ask, or nobody could approve it.
    """
    task = Task.objects.get(pk=task_id)
    reason = reason.strip()
    with transition(by=requested_by, door=door, subject=task, reason=reason):
        require(requested_by, Right.REQUEST, task)
        draft = _draft(task, requested_by, values, files)
        stages = _stages(task, draft, requested_by)
        if stages and not reason:
            missing = "This waits for approval. Say why you ask for it."
            draft.form.add_error(None, ValidationError(missing, code="reason"))
            raise InvalidValues(draft.form)
        run = _sealed(task, draft, requested_by, door, reason)
        if stages:
            _await_approval(run, draft, stages)
        else:
            run.queued_at = database_now()
        run.save(force_insert=True)
        if run.status == Status.QUEUED:
            queue.ring(run.pk, timeout=task.timeout)
    return run


def _draft(
    task: Task, person: "User", values: Mapping[str, Any], files: Mapping[str, Any] | None
) -> Draft:
    registered = _code_of(task)
    declared = parameters.read(registered.function)
    form = parameters.form_for(
        declared, person=person, data=values, files=files, validate=registered.validate
    )
    if not form.is_valid():
        raise InvalidValues(form)
    typed = form.cleaned_data
    return Draft(
        registered,
        form,
        parameters.freeze(
            declared, typed, keep_secret=vault.keep_secret, keep_file=vault.keep_file
        ),
        _preview(registered, form),
    )


def _code_of(task: Task) -> RegisteredTask:
    try:
        if task.retired_at is None:
            return registry.get(task.slug)
    except UnknownTask:
        pass
    raise NotGranted(f"“{task}” is retired: its code is not here any more.")


def _preview(registered: RegisteredTask, form: Form) -> list[list[str]]:
    if registered.preview is None:
        return []
    try:
        changes = call_with(registered.preview, form.cleaned_data)
    except (Refused, ValidationError) as error:
        form.add_error(None, str(error) if isinstance(error, Refused) else error)
        raise InvalidValues(form) from error
    return [change.as_json() for change in changes]


def _stages(task: Task, draft: Draft, person: "User") -> list[StageSpec]:
    declared = parameters.read(draft.registered.function)
    return stages_for(task, rules_that_apply(task, declared, draft.frozen), person)


def _sealed(task: Task, draft: Draft, person: "User", door: str, reason: str) -> Run:
    declared = parameters.read(draft.registered.function)
    run = Run(
        task=task,
        requested_by=person,
        door=door,
        reason=reason,
        headline=_headline(task, declared, draft.frozen),
        values=draft.frozen,
        preview=draft.preview,
        source_hash=draft.registered.source_hash,
        needs_approval=False,
        status=Status.QUEUED,
    )
    run.seal = seal_of_run(run)
    return run


def _headline(task: Task, declared: list[parameters.Parameter], frozen: Mapping[str, Any]) -> str:
    short = [p for p in declared if not p.param.long]
    values = {p.name: frozen[p.name] for p in short}
    texts = [text for _, text in parameters.display(short, values) if text]
    return ": ".join(filter(None, [task.name, ", ".join(texts[:3])]))[:300]


def _await_approval(run: Run, draft: Draft, stages: list[StageSpec]) -> None:
    declared = parameters.read(draft.registered.function)
    facts = [list(pair) for pair in parameters.display(declared, draft.frozen)]
    run.status = Status.AWAITING_APPROVAL
    run.needs_approval = True
    run.approval = approvals.open_request(
        title=run.headline,
        shown={"task": run.task.name, "facts": facts, "changes": run.preview},
        seal=run.seal,
        requested_by=run.requested_by,
        door=run.door,
        stages=stages,
        reason=run.reason,
    )


def on_request_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear of a decision, inside its transaction: queue the run, or end it."""
    run = _lock(Run.objects.filter(approval=request)).first()
    if run is None:
        return
    if request.status == ApprovalRequest.Status.APPROVED:
        run.status = Status.QUEUED
        run.queued_at = database_now()
        run.save(update_fields=["status", "queued_at"])
        queue.ring(run.pk, timeout=run.task.timeout)
    else:
        _end(run, ENDED_BY[request.status], at=request.closed_at)


def cancel_run(run_id: UUID | str, *, by: "User", door: str, reason: str = "") -> Run:
    """Take back a run that has not begun. For who asked for it, or administers its task.

    Raises `NotCancellable` when it has begun or is over, `NotGranted` for anybody else.
    """
    run = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=run, reason=reason):
        if run.requested_by_id != by.pk:
            require(by, Right.CHANGE, run.task)
        if run.status == Status.AWAITING_APPROVAL and run.approval_id:
            # The request is locked before the run, in the order of a decision.
            approvals.withdraw(run.approval_id, by=by, door=door, reason=reason)
        else:
            _cancel_queued(run)
    run.refresh_from_db()
    return run


def _cancel_queued(run: Run) -> None:
    locked = _lock(Run.objects.filter(pk=run.pk)).get()
    if locked.status != Status.QUEUED:
        state = locked.get_status_display().lower()
        raise NotCancellable(f"This run cannot be cancelled any more. It is {state}.")
    _end(locked, Status.CANCELLED, at=database_now())


def start_run(run_id: UUID | str, *, worker: str, door: str) -> Run | None:
    """Claim a queued run for this worker, after checking everything again.

    None when it is not waiting for a worker (a message delivered twice, a run cancelled
    meanwhile), or has become out of date, which is then recorded.
    """
    with transition(by=None, door=door):
        run = _lock(Run.objects.filter(pk=run_id)).annotate(now=Now()).first()
        if run is None or run.status != Status.QUEUED:
            return None
        if why := _out_of_date(run):
            _make_stale(run, why, door)
            return None
        run.status = Status.RUNNING
        run.attempt += 1
        run.worker = worker
        run.started_at = run.now
        run.save(update_fields=["status", "attempt", "worker", "started_at"])
    return run


def _out_of_date(run: Run) -> str:
    """Why what was asked and approved is not what would run now. Empty when it is."""
    try:
        registered = _code_of(run.task)
    except NotGranted:
        return "The code of this task is not here any more."
    if registered.source_hash != run.source_hash:
        return "The code of this task has changed since this was asked for."
    if seal_of_run(run) != run.seal:
        return "What is stored is not what was asked for."
    right = Right.REQUEST if run.needs_approval else Right.EXECUTE
    if not allowed(run.requested_by, right, run.task):
        return "The person who asked for it may not do so any more."
    return _approval_missing(run) if run.needs_approval else ""


def _approval_missing(run: Run) -> str:
    request = run.approval
    if request is None or request.status != ApprovalRequest.Status.APPROVED:
        return "It was not approved."
    if request.seal != run.seal:
        return "What was approved is not what would run."
    if not quorum_holds(request):
        return "Somebody who approved it may not approve it any more."
    return ""


def _make_stale(run: Run, why: str, door: str) -> None:
    run.error = f"{why} Nothing was done. It can be asked for again."
    _end(run, Status.STALE, at=database_now())
    if run.approval and run.approval.status == ApprovalRequest.Status.APPROVED:
        approvals.mark_stale(run.approval.pk, by=None, door=door, reason=why)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: succeeded with an output, failed or uncertain with an error."""

    status: Run.Status
    output: dict[str, Any] | None = None
    error: str = ""
    traceback: str = ""


def finish_run(run_id: UUID, *, attempt: int, outcome: Outcome, door: str) -> None:
    """Write down how a run ended. Another attempt's late answer changes nothing."""
    with transition(by=None, door=door):
        run = _lock(Run.objects.filter(pk=run_id)).annotate(now=Now()).get()
        if run.status != Status.RUNNING or run.attempt != attempt:
            return
        run.output = outcome.output
        run.error = outcome.error
        run.traceback = outcome.traceback
        _end(run, outcome.status, at=run.now)


def _end(run: Run, status: Run.Status, *, at: datetime | None) -> None:
    run.status = status
    run.finished_at = at
    run.save(update_fields=["status", "finished_at", "output", "error", "traceback"])
    vault.forget_secrets(run.values)


def _lock(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.select_for_update(of=("self",)).select_related("task", "requested_by", "approval")
