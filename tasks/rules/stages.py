"""From the rules that apply to the people who are asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from approvals.requests.policy import StageSpec
from tasks import parameters
from tasks.access.reviewing import holders, reviewers_of_stages
from tasks.access.rights import Right, allowed
from tasks.declaration.registry import UnknownTask, registry
from tasks.models import ApprovalRule, Run, Task
from tasks.rules.evaluation import Applied, RuleSpec, rules_in_force, rules_that_apply
from tasks.rules.sentences import why_in_general
from tasks.rules.totals import facts_of

if TYPE_CHECKING:
    from backoffice.models import User


def stages_for(task: Task, applied: Sequence[Applied], person: "User") -> list[StageSpec]:
    """Who is asked, in which order, when this person asks for a run under these rules.

    Without a rule, somebody who may not run the task themselves needs one who may.
    """
    stages = stages_of(task, [RuleSpec.of(each.rule) for each in applied], person)
    if not applied:
        return stages
    return [replace(s, because=a.because) for s, a in zip(stages, applied, strict=True)]


def stages_of(task: Task, specs: Sequence[RuleSpec], person: "User") -> list[StageSpec]:
    """The same for rules that need not be in force."""
    if specs:
        return [_stage(task, spec) for spec in specs]
    if allowed(person, Right.EXECUTE, task):
        return []
    because = f"{person} can request this task, but not run it"
    held = holders(task, Right.EXECUTE)
    return [StageSpec("Somebody who can run it", 1, held=held, because=because, delegates=True)]


def stages_for_resolving(run: Run, person: "User") -> list[StageSpec]:
    """Who is asked when this person has found out what became of an uncertain run.

    The rules of today for the run's values, as far as they say so. Who asked for the run is not
    among those who decide.
    """
    applied = [each for each in _rules_now(run) if each.rule.for_resolving]
    if not applied:
        return []
    return [replace(s, without=[run.requested_by]) for s in stages_for(run.task, applied, person)]


def stage_for_a_look(run: Run) -> StageSpec:
    """Who says whether a paused run goes on: one of those who could approve it, or its task's runs."""
    groups, people, rights = reviewers_of_stages(run)
    if not groups and not people and not rights:
        rights = [Right.APPROVE]
    held = holders(run.task, min(rights)) if rights else None
    return StageSpec("Checkpoint", 1, groups, people, held=held)


def _rules_now(run: Run) -> list[Applied]:
    try:
        registered = registry.get(run.task.slug)
    except UnknownTask:
        return _in_general(rules_in_force(run.task), [])
    declared = parameters.read(registered.function)
    if registered.source_hash != run.source_hash:
        # The values may not fit the parameters any more: fails closed, every rule applies.
        return _in_general(rules_in_force(run.task), [])
    # In sums the run counts a second time, for itself: rather once too often. So no numbers are said.
    return _in_general(rules_that_apply(facts_of(run, declared)), declared)


def _in_general(
    rules: Sequence[ApprovalRule], declared: Sequence[parameters.Parameter]
) -> list[Applied]:
    return [Applied(rule, why_in_general(rule.name, rule.condition, declared)) for rule in rules]


def _stage(task: Task, spec: RuleSpec) -> StageSpec:
    return StageSpec(
        spec.name,
        spec.needed,
        spec.groups,
        spec.people,
        spec.condition,
        may_serve_twice=spec.may_serve_twice,
        fresh_proof=spec.fresh_proof,
        expires_after=spec.expires_after,
        remind_after=spec.remind_after,
        escalate_after=spec.escalate_after,
        escalate_to=spec.escalate_to,
        delegates=True,
        held=None if spec.groups or spec.people else holders(task, Right.APPROVE),
    )
