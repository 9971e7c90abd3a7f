"""When other people must agree: rules are never changed, only replaced by a new version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.policy import reviewers_for
from audit.clock import database_now
from audit.transitions import transition
from tasks import parameters
from tasks.access import Right, require, who
from tasks.models import ApprovalRule, Task
from tasks.registry import registry
from tasks.rules import check_condition

if TYPE_CHECKING:
    from backoffice.models import User


@dataclass(frozen=True)
class RuleSpec:
    """What a rule says: when, who, how many, in which stage."""

    name: str
    condition: str
    groups: Sequence[Group] = ()
    people: Sequence["User"] = ()
    needed: int = 1
    position: int = 1
    for_settling: bool = False


def save_rule(
    task_id: int,
    *,
    spec: RuleSpec,
    replaces: ApprovalRule | None = None,
    by: "User",
    door: str,
    reason: str = "",
) -> ApprovalRule:
    """Put a rule in force, in the place of an older version if one is named.

    Raises `ValidationError` for a condition that cannot be read and for a rule under which nobody
    could ever approve, and `NotGranted` unless `by` administers the task.
    """
    task = Task.objects.get(pk=task_id)
    with transition(by=by, door=door, subject=task, reason=reason):
        require(by, Right.CHANGE, task)
        check_condition(spec.condition, parameters.read(registry.get(task.slug).function))
        _somebody_can_approve(task, spec)
        older = _end(replaces) if replaces else None
        return put_in_force(task, spec, replaces=older)


def end_rule(rule_id: int, *, by: "User", door: str, reason: str = "") -> None:
    """Take a rule out of force. Raises `NotGranted` unless `by` administers its task."""
    rule = ApprovalRule.objects.select_related("task").get(pk=rule_id)
    with transition(by=by, door=door, subject=rule.task, reason=reason):
        require(by, Right.CHANGE, rule.task)
        _end(rule)


def put_in_force(
    task: Task, spec: RuleSpec, *, replaces: ApprovalRule | None = None
) -> ApprovalRule:
    """Write a rule's row. For the actions of this package, inside their transaction."""
    rule = ApprovalRule.objects.create(
        task=task,
        name=spec.name,
        condition=spec.condition,
        needed=spec.needed,
        position=spec.position,
        for_settling=spec.for_settling,
        version=replaces.version + 1 if replaces else 1,
        replaces=replaces,
    )
    rule.groups.set(spec.groups)
    rule.people.set(spec.people)
    return rule


def _end(rule: ApprovalRule) -> ApprovalRule:
    locked = ApprovalRule.objects.select_for_update().get(pk=rule.pk)
    if locked.ended_at:
        raise ValidationError(
            "Somebody has changed this rule meanwhile. Open it again and make your change there."
        )
    locked.ended_at = database_now()
    locked.save(update_fields=["ended_at"])
    return locked


def _somebody_can_approve(task: Task, spec: RuleSpec) -> None:
    named = could_approve(task, spec)
    if named < spec.needed:
        raise ValidationError(
            f"{spec.needed} must agree, but only {named} active people could. Add people, or "
            "a group with members."
        )


def could_approve(task: Task, spec: RuleSpec) -> int:
    """How many active people could approve under this rule."""
    if not spec.groups and not spec.people:
        return who(Right.APPROVE, task).count()
    return reviewers_for(spec.groups, spec.people).count()
