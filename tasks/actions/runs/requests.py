"""Asking for a run: what is asked is checked, frozen, sealed, and queued or put to people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms import Form

from approvals import actions as approvals
from approvals.models import SlackMode
from approvals.requests.policy import StageSpec
from audit.database.clock import database_now
from audit.transitions import Refusal, transition
from tasks import locks, parameters
from tasks.access.rights import Right, require
from tasks.access.stops import in_a_sentence, stop_of
from tasks.actions.runs.confirmations import must_be_seen
from tasks.actions.runs.drafts import Draft, InvalidValues, Sent, draft_of
from tasks.actions.runs.search_words import keep_words
from tasks.declaration.limits import Limits, strictest
from tasks.declaration.tickets import problem_of_ticket, ticket_url
from tasks.models import ApprovalRule, Run, Task
from tasks.queue import messages
from tasks.rules import totals
from tasks.rules.conditions import Facts
from tasks.rules.evaluation import Applied, rules_with_reasons
from tasks.rules.reviewers import Pick, WrongReviewers, narrowed
from tasks.rules.stages import stages_for
from tasks.runs.alike import policy_of, same_files
from tasks.runs.partial import warning_of
from tasks.runs.revisions import check_revisable, revision_shown
from tasks.runs.seals import seal_of_run
from tasks.runs.undo import check_undoable, values_to_undo

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status


class TaskStopped(Refusal):
    """Nobody can ask for this task: somebody has stopped it."""


def request_run(  # noqa: PLR0913 - who asks for what, with which values, why, for how long
    task_id: int,
    *,
    requested_by: "User",
    door: str,
    values: Mapping[str, Any],
    files: Mapping[str, Any] | None = None,
    reason: str = "",
    ticket: str = "",
    reviewers: Sequence[Pick] = (),
    waits_for: timedelta | None = None,
    again_of: Run | None = None,
    undoes: Run | None = None,
    revises: Run | None = None,
    form_token: str = "",
    called_by: Run | None = None,
    seen: str | None = None,
) -> Run:
    """Ask for a run: it is queued at once, or waits for the people its rules name.

    `values` and `files` are what a form would send; `ticket` is what a rule may ask for;
    `reviewers` are the people and groups to ask, out of those who may approve it: all of them where
    none is named; `waits_for` is how long people have to decide, three days by default; `again_of`
    is the run that this one repeats, `undoes` the one that it undoes, whose values it gets and
    nobody can change; `revises` the one that it is asked for instead of, whose request is taken
    back if it waits; `form_token` names the form that was sent, which makes one run at most: see
    `run_of_form`; `called_by` is the run whose code asks for it. Raises `InvalidValues` when they break a rule of the task, and a `Refusal` when
    this person may not ask, or nobody could approve it; `Taken` when only one such run may be open,
    and one is; `NotUndoable` when the other run cannot be undone, `NotRevisable` when it cannot be
    changed.

    A door with a page gives as `seen` the seal of what it showed the person, empty at first:
    `NotConfirmed` says what is to be shown.
    """
    task = Task.objects.get(pk=task_id)
    reason, ticket = reason.strip(), ticket.strip()
    with transition(by=requested_by, door=door, subject=task, reason=reason):
        _may_ask(requested_by, task)
        taken_back = revises is not None and _take_back(revises, by=requested_by, door=door)
        _lock([again_of, undoes, revises])
        if revises:
            check_revisable(revises, task=task, person=requested_by, taken_back=taken_back)
        fixed = _fixed(undoes, task, requested_by)
        draft = draft_of(task, Sent(requested_by, values, files, fixed))
        warnings = _warnings(task, draft)
        applied = _rules(task, draft, requested_by, door)
        rules = [each.rule for each in applied]
        stages = stages_for(task, applied, requested_by)
        _must_say(draft.form, reason, ticket, rules, _reason_for(stages, warnings))
        stages = _put_to(draft.form, stages, reviewers, requested_by)
        limits = strictest(draft.registered.limits, *(rule.limits for rule in rules))
        run = _sealed(task, draft, requested_by, door, reason, ticket, undoes, limits, called_by)
        run.again_of, run.revises, run.form_token = again_of, revises, form_token
        must_be_seen(run, draft, stages, warnings, seen)
        if stages:
            _await_approval(run, draft, stages, waits_for, warnings)
        else:
            run.queued_at = run.rung_at = database_now()
        _write(run, draft)
    return run


def _write(run: Run, draft: Draft) -> None:
    run.save(force_insert=True)
    totals.write(run, draft.groupings)
    keep_words([run])
    if run.status == Status.QUEUED:
        messages.enqueue_run(run.pk, timeout=run.task.timeout)


def run_of_form(form_token: str, *, person: "User") -> Run | None:
    """The run that this form has already made for this person, if any.

    Called in the transaction in which it is then asked for: whoever sends the same form at that
    moment waits here until the transaction has ended.
    """
    locks.hold(form_token)
    return Run.objects.filter(form_token=form_token, requested_by=person).first()


def _may_ask(person: "User", task: Task) -> None:
    require(person, Right.REQUEST, task)
    if stop := stop_of(task):
        raise TaskStopped(f"{in_a_sentence(stop)}: {stop.reason}")


def _reason_for(stages: list[StageSpec], warnings: list[str]) -> str:
    """Why a reason has to be given. Empty where none has to be."""
    if stages:
        return "This needs approval. Enter a reason for the reviewers."
    return f"{warnings[0]} Enter a reason why it is right to send it again." if warnings else ""


def _must_say(form: Form, reason: str, ticket: str, rules: list[ApprovalRule], why: str) -> None:
    """Refuse what those who decide have to know and are not told. The page puts each beside its field.

    `why` says why a reason is needed; empty where none is.
    """
    if why and not reason:
        form.add_error(None, ValidationError(why, code="reason"))
    if problem := problem_of_ticket(ticket, rules):
        form.add_error(None, ValidationError(problem, code="ticket"))
    if form.errors:
        raise InvalidValues(form)


def _put_to(
    form: Form, stages: list[StageSpec], reviewers: Sequence[Pick], person: "User"
) -> list[StageSpec]:
    try:
        return narrowed(stages, reviewers, requested_by=person) if stages else []
    except WrongReviewers as wrong:
        form.add_error(None, ValidationError(str(wrong), code="reviewers"))
        raise InvalidValues(form) from wrong


def _lock(runs: Iterable[Run | None]) -> None:
    """Lock earlier runs before any key: the end of a run takes the two in this order."""
    keys = [run.pk for run in runs if run]
    if keys:
        list(
            Run.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=keys)
            .order_by("pk")
        )


def _take_back(run: Run, *, by: "User", door: str) -> bool:
    """Close the request that is asked anew, if it waits: nobody shall decide what is not asked any more."""
    if run.status == Status.AWAITING_APPROVAL and run.approval_id:
        approvals.withdraw(run.approval_id, by=by, door=door, reason="Edited and resubmitted")
        return True
    return False


def _fixed(undoes: Run | None, task: Task, person: "User") -> dict[str, Any]:
    """The values that the run to be undone decides."""
    if undoes is None:
        return {}
    undoes.refresh_from_db()
    check_undoable(undoes, task=task, person=person)
    return values_to_undo(undoes)


def _warnings(task: Task, draft: Draft) -> list[str]:
    """What requester and reviewers have to know of earlier runs. Refuses where the task says so."""
    found = list(same_files(task, draft.registered, draft.frozen))
    if found and policy_of(task, draft.registered) == "refuse":
        for each in found:
            draft.form.add_error(each.name, f"{each.in_words(task)} Send each file once.")
        raise InvalidValues(draft.form)
    return [each.in_words(task) for each in found]


def _rules(task: Task, draft: Draft, person: "User", door: str) -> list[Applied]:
    declared = parameters.read(draft.registered.function)
    facts = Facts.of(task, person, door, declared, draft.frozen, draft.groupings)
    return rules_with_reasons(facts)


def _sealed(  # noqa: PLR0913 - what is sealed has this many parts
    task: Task,
    draft: Draft,
    person: "User",
    door: str,
    reason: str,
    ticket: str,
    undoes: Run | None,
    limits: Limits,
    called_by: Run | None,
) -> Run:
    declared = parameters.read(draft.registered.function)
    run = Run(
        task=task,
        requested_by=person,
        door=door,
        reason=reason,
        ticket=ticket,
        headline=_headline(task, declared, draft.frozen),
        values=draft.frozen,
        preview=draft.preview,
        limits=limits.as_json(),
        source_hash=draft.registered.source_hash,
        undoes=undoes,
        called_by=called_by,
        concurrency_key=draft.key,
        needs_approval=False,
        status=Status.QUEUED,
    )
    run.seal = seal_of_run(run)
    return run


def _headline(task: Task, declared: list[parameters.Parameter], frozen: Mapping[str, Any]) -> str:
    texts = parameters.in_short([p for p in declared if not p.param.long], frozen)
    return ": ".join(filter(None, [task.name, ", ".join(texts[:3])]))[:300]


def _await_approval(
    run: Run,
    draft: Draft,
    stages: list[StageSpec],
    waits_for: timedelta | None,
    warnings: list[str],
) -> None:
    declared = parameters.read(draft.registered.function)
    shown = {
        "task": run.task.name,
        "public": _in_public(run.task, draft),
        "facts": _facts(run, declared, draft),
        "changes": run.preview,
    }
    if code := draft.registered.kind.texts():
        shown["code"] = code
    if warnings:
        shown["warnings"] = warnings
    for amount in parameters.money_in(draft.form.cleaned_data.values())[:1]:
        shown["amount"] = {"amount": f"{amount.amount:f}", "currency": amount.currency}
    if run.ticket:
        shown["ticket"] = {"number": run.ticket, "url": ticket_url(run.ticket, settings.TICKET_URL)}
    if run.revises:
        shown["revision"] = revision_shown(run, run.revises, declared)
    run.status = Status.AWAITING_APPROVAL
    run.needs_approval = True
    run.approval = approvals.open_request(
        title=run.headline,
        shown=shown,
        seal=run.seal,
        requested_by=run.requested_by,
        door=run.door,
        stages=stages,
        reason=run.reason,
        waits_for=waits_for,
        revisable=run.undoes_id is None,
        slack_mode=_in_slack(draft),
    )


def _facts(run: Run, declared: list[parameters.Parameter], draft: Draft) -> list[list[str]]:
    """The values in words, after what they have to do with other runs, before where it pauses."""
    facts = [list(pair) for pair in parameters.display(declared, draft.frozen)]
    if run.undoes:
        facts.insert(0, ["Undoes", run.undoes.headline])
    if run.called_by:
        facts.insert(0, ["Requested by the run", run.called_by.headline])
    if warning := warning_of(run.again_of):
        facts.insert(0, ["Partly done earlier", warning])
    return facts + [["Limit", text] for text in Limits.of(run.limits).in_words()]


def _in_public(task: Task, draft: Draft) -> str:
    """What others may read along, who see neither the page nor the customer."""
    return ", ".join([task.name, *map(str, parameters.money_in(draft.form.cleaned_data.values()))])


def _in_slack(draft: Draft) -> SlackMode:
    found = parameters.money_in(draft.form.cleaned_data.values())
    return SlackMode(draft.registered.slack.mode_for(money.amount for money in found))
