"""When other people must agree: rules are never changed, only replaced by a new version."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from approvals.policy import WAITS_FOR, reviewers_for
from audit.clock import database_now
from audit.transitions import transition
from tasks import parameters
from tasks.access import Right, require, who
from tasks.conditions import check_condition
from tasks.models import ApprovalRule, Task
from tasks.registry import registry
from tasks.rules import COPIED, MANY, RuleSpec
from tasks.spans import problems_of_times
from tasks.telling import tell_of_rule
from tasks.tickets import problem_of_pattern

if TYPE_CHECKING:
    from backoffice.models import User


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

    Raises `ValidationError` for a condition that cannot be read, for times that do not fit together
    and for a rule under which nobody could ever approve, and `NotGranted` unless `by` administers
    the task.
    """
    task = Task.objects.get(pk=task_id)
    with transition(by=by, door=door, subject=task, reason=reason):
        require(by, Right.CHANGE, task)
        check_condition(spec.condition, parameters.read(registry.get(task.slug).function))
        _times_fit(spec)
        _tickets_can_fit(spec)
        _somebody_can_approve(task, spec)
        older = _end(replaces) if replaces else None
        rule = put_in_force(task, spec, replaces=older)
        tell_of_rule(rule, f"{by} has put a rule of “{task}” in force: {rule.name}")
    return rule


def end_rule(rule_id: int, *, by: "User", door: str, reason: str = "") -> None:
    """Take a rule out of force. Raises `NotGranted` unless `by` administers its task."""
    rule = ApprovalRule.objects.select_related("task").get(pk=rule_id)
    with transition(by=by, door=door, subject=rule.task, reason=reason):
        require(by, Right.CHANGE, rule.task)
        ended = _end(rule)
        tell_of_rule(ended, f"{by} has ended a rule of “{rule.task}”: {rule.name}")


def put_in_force(
    task: Task, spec: RuleSpec, *, replaces: ApprovalRule | None = None
) -> ApprovalRule:
    """Write a rule's row. For the actions of this package, inside their transaction."""
    rule = ApprovalRule.objects.create(
        task=task,
        version=replaces.version + 1 if replaces else 1,
        replaces=replaces,
        **{name: getattr(spec, name) for name in COPIED},
    )
    for name in MANY:
        getattr(rule, name).set(getattr(spec, name))
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


def _times_fit(spec: RuleSpec) -> None:
    found = dict(problems_of_times(spec, default=WAITS_FOR, escalates=bool(spec.escalate_to)))
    if found:
        raise ValidationError(found)


def _tickets_can_fit(spec: RuleSpec) -> None:
    if problem := problem_of_pattern(spec.ticket_pattern):
        raise ValidationError({"ticket_pattern": problem})


def _somebody_can_approve(task: Task, spec: RuleSpec) -> None:
    able = could_approve(task, spec)
    if len(able) < spec.needed:
        raise ValidationError(
            f"{spec.needed} must agree, but only {len(able)} active people could. Add people, or "
            "a group with members."
        )
    askers = set(who(Right.REQUEST, task))
    if askers and all(len(able - {asker}) < spec.needed for asker in askers):
        raise ValidationError(
            f"{spec.needed} must agree, and nobody decides their own request: whoever may ask for "
            f"this task, too few others could agree to it. Add people beside "
            f"{', '.join(sorted(map(str, able)))}."
        )


def could_approve(task: Task, spec: RuleSpec) -> "set[User]":
    """The active people who could approve under this rule."""
    if not spec.groups and not spec.people:
        return set(who(Right.APPROVE, task))
    return set(reviewers_for(spec.groups, spec.people))
