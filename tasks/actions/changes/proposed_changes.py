"""Changes to what decides about runs: one person proposes, another administrator agrees.

As long as nobody else has ever administered a task, a change of it is made alone and says so: that
is how a first administrator begins. From then on it takes two, for good.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.notifications.notify import notify
from approvals.requests.policy import StageSpec
from approvals.requests.quorum import quorum_holds
from audit.context import acting, current
from audit.database.clock import database_now
from audit.texts.quoting import quoted
from audit.transitions import Refusal, transition
from tasks.access.administrators import administrators, hold_permissions, was_shared
from tasks.access.rights import NotGranted, Right
from tasks.actions.changes.base import Change
from tasks.actions.changes.delegates import Delegating
from tasks.actions.changes.grants import Grant, content_of, held
from tasks.actions.changes.people import Joining, Opening
from tasks.actions.changes.rules import EndOfRule, NewRule
from tasks.models import ApprovalRule, ProposedChange, Task
from tasks.rules.evaluation import RuleSpec
from tasks.rules.serialization import as_json
from tasks.runs.seals import seal_of_proposed_change

if TYPE_CHECKING:
    from django.contrib.auth.models import Group
    from django.db.models import QuerySet

    from audit.seals import Json
    from backoffice.models import User

Kind = ProposedChange.Kind
Status = ApprovalRequest.Status

CHANGES: Final[dict[str, type[Change]]] = {
    Kind.RULE: NewRule,
    Kind.END: EndOfRule,
    Kind.GRANT: Grant,
    Kind.JOIN: Joining,
    Kind.OPEN: Opening,
    Kind.DELEGATE: Delegating,
}
ALONE: Final = "(without a second administrator)"
GIVES: Final = "gives"  # in the content of a proposal: see Change.gives


class NotProposed(Refusal):
    """Somebody has proposed another change of the same, or nobody could agree to this one."""


class NotAgreed(Refusal):
    """This person may not agree to this change any more."""


def propose_rule(
    task_id: int,
    *,
    spec: RuleSpec,
    replaces: ApprovalRule | None = None,
    by: "User",
    door: str,
    reason: str = "",
) -> ProposedChange:
    """Ask that a rule is put in force, in the place of an older version if one is named.

    It is in force at once where the proposal says when it was made (`applied_at`). Raises
    `ValidationError` for a rule that cannot be, `NotProposed`, and `NotGranted` unless `by`
    administers the task.
    """
    task = Task.objects.get(pk=task_id)
    proposed_change = ProposedChange(
        kind=Kind.RULE, task=task, rule=replaces, content=as_json(spec)
    )
    return _put_forward(proposed_change, by=by, door=door, reason=reason)


def propose_end(rule_id: int, *, by: "User", door: str, reason: str = "") -> ProposedChange:
    """Ask that a rule is taken out of force. Raises as `propose_rule` does."""
    rule = ApprovalRule.objects.select_related("task").get(pk=rule_id)
    proposed_change = ProposedChange(kind=Kind.END, task=rule.task, rule=rule)
    return _put_forward(proposed_change, by=by, door=door, reason=reason)


def propose_grant(
    task: Task, right: Right, *, to: "User | Group", by: "User", door: str, reason: str = ""
) -> ProposedChange:
    """Ask that a person or a group is given a higher right on a task than they have.

    Less than they have is taken by `revoke`, at once. Raises as `propose_rule` does.
    """
    had = held(task, to)
    if had and right <= had:
        raise ValidationError(
            f"{to} already has this permission. To lower it, choose a lower level."
        )
    proposed_change = ProposedChange(
        kind=Kind.GRANT, task=task, content=content_of(task, right, to)
    )
    return _put_forward(proposed_change, by=by, door=door, reason=reason)


def propose_member(
    person: "User", group: "Group", *, by: "User", door: str, reason: str = ""
) -> ProposedChange:
    """Ask that a person is put into a group that decides something.

    Raises `NotGranted` unless `by` may change people and groups, and else as `propose_rule` does.
    """
    content = {**_named(person), "group": group.pk, "group_name": group.name}
    proposed_change = ProposedChange(kind=Kind.JOIN, content=content)
    return _put_forward(proposed_change, by=by, door=door, reason=reason)


def propose_opening(person: "User", *, by: "User", door: str, reason: str = "") -> ProposedChange:
    """Ask that a closed account is opened again. Raises as `propose_member` does."""
    proposed_change = ProposedChange(kind=Kind.OPEN, content=_named(person))
    return _put_forward(proposed_change, by=by, door=door, reason=reason)


def propose_delegate(  # noqa: PLR0913 - who for whom, from when to when, by whom and why
    person: "User",
    delegate: "User",
    *,
    starts_at: datetime,
    ends_at: datetime,
    by: "User",
    door: str,
    reason: str = "",
) -> ProposedChange:
    """Ask that `delegate` may decide in the place of `person`, who is away between these times.

    `by` is who is away, or may change people and groups. Raises as `propose_rule` does.
    """
    content = {
        **_named(person),
        "delegate": delegate.pk,
        "delegate_name": _named(delegate)["name"],
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
    }
    proposed_change = ProposedChange(kind=Kind.DELEGATE, content=content)
    return _put_forward(proposed_change, by=by, door=door, reason=reason)


def _named(person: "User") -> "dict[str, Json]":
    return {"person": person.pk, "name": f"{person} ({person.get_username()})"}


def _put_forward(
    proposed_change: ProposedChange, *, by: "User", door: str, reason: str
) -> ProposedChange:
    proposed_change.proposed_by, proposed_change.reason = by, reason.strip()
    change = CHANGES[proposed_change.kind](proposed_change)
    with transition(by=by, door=door, subject=proposed_change.task, reason=reason):
        # Of two at the same instant the second sees the first.
        hold_permissions()
        _require(change, by)
        change.check()
        if gives := change.gives():
            proposed_change.content |= {GIVES: gives}
        _nothing_else_waits(change)
        if _stands_alone(change, by):
            _make_alone(change)
        else:
            proposed_change.approval = _put_to_people(change, door)
            proposed_change.save(force_insert=True)
    return proposed_change


def _require(change: Change, by: "User") -> None:
    if not change.may_propose(by):
        raise NotGranted(f"You do not administer {change.about}. Contact somebody who does.")


def _stands_alone(change: Change, by: "User") -> bool:
    administers = change.administrators().filter(pk=by.pk).exists()
    shared = _others(change).exists() or was_shared(change.proposed_change.task, by)
    return administers and not shared


def _others(change: Change) -> "QuerySet[User]":
    return change.administrators().exclude(pk=change.proposed_change.proposed_by_id)


def may_act_alone(task: Task, person: "User") -> bool:
    """Whether nobody else administers the task, or ever has."""
    others = administrators(task).exclude(pk=person.pk)
    return not others.exists() and not was_shared(task, person)


def open_proposed_changes(task: Task | None) -> list[ProposedChange]:
    """What somebody has proposed for a task, or for people and groups, and nobody has decided yet."""
    found = ProposedChange.objects.filter(task=task, applied_at=None, dropped_at=None).order_by(
        "pk"
    )
    return list(found.select_related("proposed_by", "approval", "rule", "task"))


def title_of(proposed_change: ProposedChange) -> str:
    """What it asks for, in a line."""
    return CHANGES[proposed_change.kind](proposed_change).title


def _nothing_else_waits(change: Change) -> None:
    for other in open_proposed_changes(change.proposed_change.task):
        if change.concerns(other):
            raise NotProposed(
                f"{other.proposed_by} has already proposed a change: {title_of(other)}. Decide or "
                "withdraw it first."
            )


def _make_alone(change: Change) -> None:
    proposed_change = change.proposed_change
    with acting(
        user=proposed_change.proposed_by,
        door=current().door,
        reason=f"{proposed_change.reason} {ALONE}".strip(),
    ):
        proposed_change.applied_at = database_now()
        proposed_change.save(force_insert=True)
        change.make()


def _put_to_people(change: Change, door: str) -> ApprovalRequest:
    proposed_change = change.proposed_change
    people = list(change.could_agree())
    if not people:
        raise NotProposed(_why_nobody(change))
    where = proposed_change.task.name if proposed_change.task else "People and groups"
    return approvals.open_request(
        title=change.title[:300],
        shown={"task": where, "facts": change.facts(), "changes": change.rows()},
        seal=seal_of_proposed_change(proposed_change),
        requested_by=proposed_change.proposed_by,
        door=door,
        stages=[StageSpec("A second administrator", 1, people=people)],
        reason=proposed_change.reason,
    )


def _why_nobody(change: Change) -> str:
    names = ", ".join(sorted(map(str, _others(change))))
    why = (
        f"{names} cannot approve it: they have a pending run of this task, or gain by the change."
        if names
        else "There is nobody else."
    )
    return (
        f"A change of {change.about} needs approval from a second administrator. {why} Whoever "
        "operates the server can add one: manage.py administrator NAME --reason TEXT."
    )


def on_proposed_change_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear of a decision about a proposal, inside its transaction: make the change, or drop it.

    Raises `NotAgreed`, which takes the decision back, when its giver may not agree any more.
    """
    proposed_changes = ProposedChange.objects.select_for_update(of=("self",)).filter(
        approval=request
    )
    proposed_change = proposed_changes.select_related("task", "proposed_by", "rule").first()
    if proposed_change is None:
        return
    hold_permissions()
    if request.status != Status.APPROVED:
        _drop(proposed_change)
        return
    agreed = request.decisions.select_related("decided_by").latest("pk").decided_by
    change = CHANGES[proposed_change.kind](proposed_change)
    _may_still_agree(change, agreed)
    if why := _out_of_date(change, request):
        _is_stale(proposed_change, request, why)
        return
    by = proposed_change.proposed_by
    with acting(
        user=agreed,
        door=current().door,
        reason=f"Proposed by {by}: {proposed_change.reason}".strip(": "),
    ):
        proposed_change.applied_at = database_now()
        proposed_change.save(update_fields=["applied_at"])
        change.make()


def _may_still_agree(change: Change, person: "User") -> None:
    if not change.could_agree().filter(pk=person.pk).exists():
        raise NotAgreed(
            f"You can no longer approve this. Reviewers must administer {change.about}, have no "
            "pending run of it and gain nothing by the change."
        )


def _out_of_date(change: Change, request: ApprovalRequest) -> str:
    """Why what was proposed cannot be done any more. Empty when it can."""
    proposed_change = change.proposed_change
    if seal_of_proposed_change(proposed_change) != request.seal:
        return "The stored change does not match what was approved."
    if not change.may_propose(proposed_change.proposed_by):
        return f"{proposed_change.proposed_by} no longer administers {change.about}."
    if not quorum_holds(request):
        return "Somebody who approved it is no longer eligible."
    try:
        change.check()
        return _what_it_gives_has_changed(change)
    except ValidationError as invalid:
        return " ".join(invalid.messages)


def _what_it_gives_has_changed(change: Change) -> str:
    shown, now = change.proposed_change.content.get(GIVES, []), change.gives()
    changed = [label for label, text in now if [label, text] not in shown]
    if shown == now:
        return ""
    what = ", ".join(changed or [label for label, _ in shown])
    return f"Changed since it was proposed: {what}. Submit it again."


def _is_stale(proposed_change: ProposedChange, request: ApprovalRequest, why: str) -> None:
    _drop(proposed_change)
    approvals.mark_stale(request.pk, by=None, door=current().door, reason=why)
    request.refresh_from_db()
    text = f"Outdated, and not applied: {quoted(request.title)}. {why}"
    notify(
        [proposed_change.proposed_by], event="proposed_change_outdated", subject=request, text=text
    )


def _drop(proposed_change: ProposedChange) -> None:
    proposed_change.dropped_at = database_now()
    proposed_change.save(update_fields=["dropped_at"])
