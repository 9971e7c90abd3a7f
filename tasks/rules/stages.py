"""From the rules that apply to the people who are asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from approvals.requests.policy import StageSpec
from tasks import parameters
from tasks.access.rights import Right, allowed, codenames
from tasks.declaration.registry import UnknownTask, registry
from tasks.models import ApprovalRule, Run, Task
from tasks.rules.evaluation import RuleSpec, rules_in_force, rules_that_apply
from tasks.rules.totals import facts_of

if TYPE_CHECKING:
    from backoffice.models import User


def stages_for(task: Task, rules: Sequence[ApprovalRule], person: "User") -> list[StageSpec]:
    """Who is asked, in which order, when this person asks for a run under these rules.

    Without a rule, somebody who may not run the task themselves needs one who may.
    """
    return stages_of(task, [RuleSpec.of(rule) for rule in rules], person)


def stages_of(task: Task, specs: Sequence[RuleSpec], person: "User") -> list[StageSpec]:
    """The same for rules that need not be in force."""
    if specs:
        return [_stage(task, spec) for spec in specs]
    if allowed(person, Right.EXECUTE, task):
        return []
    return [StageSpec("Somebody who can run it", 1, *_holders(task, Right.EXECUTE), delegates=True)]


def stages_for_resolving(run: Run, person: "User") -> list[StageSpec]:
    """Who is asked when this person has found out what became of an uncertain run.

    The rules of today for the run's values, as far as they say so. Who asked for the run is not
    among those who decide.
    """
    rules = [rule for rule in _rules_now(run) if rule.for_resolving]
    if not rules:
        return []
    return [replace(s, without=[run.requested_by]) for s in stages_for(run.task, rules, person)]


def stage_for_a_look(run: Run) -> StageSpec:
    """Who says whether a paused run goes on: one of those who could approve it, or its task's runs."""
    asked = list(run.approval.stages.prefetch_related("groups", "people")) if run.approval else []
    groups = {group for stage in asked for group in stage.groups.all()}
    people = {person for stage in asked for person in stage.people.all()}
    if not groups and not people:
        return StageSpec("Checkpoint", 1, *_holders(run.task, Right.APPROVE))
    return StageSpec("Checkpoint", 1, list(groups), list(people))


def _rules_now(run: Run) -> list[ApprovalRule]:
    try:
        registered = registry.get(run.task.slug)
    except UnknownTask:
        return rules_in_force(run.task)
    if registered.source_hash != run.source_hash:
        # The values may not fit the parameters any more: fails closed, every rule applies.
        return rules_in_force(run.task)
    # In sums the run counts a second time, for itself: rather once too often.
    return rules_that_apply(facts_of(run, parameters.read(registered.function)))


def _stage(task: Task, spec: RuleSpec) -> StageSpec:
    groups, people = spec.groups, spec.people
    if not groups and not people:
        groups, people = _holders(task, Right.APPROVE)
    return StageSpec(
        spec.name,
        spec.needed,
        groups,
        people,
        spec.condition,
        may_serve_twice=spec.may_serve_twice,
        fresh_proof=spec.fresh_proof,
        expires_after=spec.expires_after,
        remind_after=spec.remind_after,
        escalate_after=spec.escalate_after,
        escalate_to=spec.escalate_to,
        delegates=True,
    )


def _holders(task: Task, right: Right) -> "tuple[list[Group], list[User]]":
    held = {"permission__codename__in": codenames(right)}
    groups = Group.objects.filter(pk__in=task.group_grants.filter(**held).values("group"))
    people = get_user_model().objects.filter(pk__in=task.user_grants.filter(**held).values("user"))
    return list(groups), list(people)
