"""From the rules that apply to the people who are asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from approvals.policy import StageSpec
from tasks.access import Right, allowed, codenames
from tasks.models import ApprovalRule, Task

if TYPE_CHECKING:
    from backoffice.models import User


def stages_for(task: Task, rules: Sequence[ApprovalRule], person: "User") -> list[StageSpec]:
    """Who is asked, in which order, when this person asks for a run under these rules.

    Without a rule, somebody who may not run the task themselves needs one who may.
    """
    if rules:
        return [_stage(rule) for rule in rules]
    if allowed(person, Right.EXECUTE, task):
        return []
    return [_granted(task, Right.EXECUTE, "Somebody who may run it", needed=1)]


def _stage(rule: ApprovalRule) -> StageSpec:
    groups, people = list(rule.groups.all()), list(rule.people.all())
    if not groups and not people:
        return _granted(rule.task, Right.APPROVE, rule.name, rule.needed, rule.condition)
    return StageSpec(rule.name, rule.needed, groups, people, rule.condition)


def _granted(task: Task, right: Right, name: str, needed: int, condition: str = "") -> StageSpec:
    held = {"permission__codename__in": codenames(right)}
    groups = Group.objects.filter(pk__in=task.group_grants.filter(**held).values("group"))
    people = get_user_model().objects.filter(pk__in=task.user_grants.filter(**held).values("user"))
    return StageSpec(name, needed, list(groups), list(people), condition)
