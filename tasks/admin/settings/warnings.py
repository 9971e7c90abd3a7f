"""What is set so that somebody could ask, and nobody could decide; or that everything is asked for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.template.defaultfilters import pluralize

from approvals.requests.policy import people_wanted, reviewers_for
from tasks.access.rights import Right, who
from tasks.admin.pages import code_of, declared_by
from tasks.declaration.tickets import problem_of_pattern
from tasks.models import ApprovalRule, Task
from tasks.rules.conditions import check_condition
from tasks.rules.evaluation import RuleSpec
from tasks.rules.texts import either

if TYPE_CHECKING:
    from backoffice.models import User


def warnings_about(task: Task, rules: Sequence[ApprovalRule]) -> list[str]:
    """Sentences for who administers the task. Nothing is forbidden by them."""
    may_ask, may_run = set(who(Right.REQUEST, task)), set(who(Right.EXECUTE, task))
    found = list(_about_conditions(task, rules))
    if not may_ask:
        return [*found, "Nobody can request or run this task yet. Grant a permission."]
    if not rules:
        only_ask = may_ask - may_run
        return list(_shortage("Without a rule, a request needs", 1, may_run, only_ask))
    return [*found, *_about_rules(task, rules, may_ask)]


def _about_conditions(task: Task, rules: Sequence[ApprovalRule]) -> Iterator[str]:
    """Rules from before something was refused, or under which something has gone since."""
    for rule in rules:
        if problem := problem_of_pattern(rule.ticket_pattern):
            yield f"No ticket number fits the rule “{rule}”: {problem}"
    code = code_of(task)
    for rule in rules if code else ():
        try:
            check_condition(rule.condition, declared_by(task))
        except ValidationError as error:
            yield (
                f"The condition of the rule “{rule}” cannot be answered, so every run needs this "
                f"approval: {' '.join(error.messages)}"
            )


def _about_rules(task: Task, rules: Sequence[ApprovalRule], may_ask: "set[User]") -> Iterator[str]:
    could = [_deciders(task, rule) for rule in rules]
    for rule, deciders in zip(rules, could, strict=True):
        yield from _shortage(f"The rule “{rule}” needs", rule.needed, deciders, may_ask)
    if len(rules) > 1:
        needed, everybody = people_wanted([RuleSpec.of(rule) for rule in rules], could)
        yield from _shortage("All rules together need", needed, everybody, may_ask)


def _deciders(task: Task, rule: ApprovalRule) -> "set[User]":
    groups, people = list(rule.groups.all()), list(rule.people.all())
    return set(reviewers_for(groups, people) if groups or people else who(Right.APPROVE, task))


def _shortage(
    beginning: str, needed: int, deciders: "set[User]", may_ask: "set[User]"
) -> Iterator[str]:
    """Whether enough can decide, remembering that nobody decides their own request."""
    if not may_ask:
        return
    approvals = f"{needed} approval{pluralize(needed)}"
    people = "person" if len(deciders) == 1 else "people"
    if len(deciders) < needed:
        yield f"{beginning} {approvals}, but only {len(deciders)} active {people} can approve."
    elif len(deciders) == needed and (stuck := sorted(map(str, deciders & may_ask))):
        yield (
            f"{beginning} {approvals}, and nobody can approve their own request: when "
            f"{either(stuck[:3])} requests it, too few reviewers are left."
        )
