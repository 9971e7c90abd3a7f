"""From the rules that apply to the people who are asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from approvals.policy import StageSpec
from tasks import parameters
from tasks.access import Right, allowed, codenames
from tasks.models import ApprovalRule, Run, Task
from tasks.registry import UnknownTask, registry
from tasks.rules import rules_in_force, rules_that_apply

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


def stages_for_settling(run: Run, person: "User") -> list[StageSpec]:
    """Who is asked when this person has found out what became of an uncertain run.

    The rules of today for the run's values, as far as they say so. Who asked for the run is not
    among those who decide.
    """
    rules = [rule for rule in _rules_now(run) if rule.for_settling]
    if not rules:
        return []
    return [replace(s, without=[run.requested_by]) for s in stages_for(run.task, rules, person)]


def _rules_now(run: Run) -> list[ApprovalRule]:
    try:
        registered = registry.get(run.task.slug)
    except UnknownTask:
        return rules_in_force(run.task)
    if registered.source_hash != run.source_hash:
        # The values may not fit the parameters any more: fails closed, every rule applies.
        return rules_in_force(run.task)
    return rules_that_apply(run.task, parameters.read(registered.function), run.values)


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
