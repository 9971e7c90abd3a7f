"""When a run needs approval: the rules of its task, asked about what somebody wants.

An error while answering one means that approval is needed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Self

import rule_engine
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from tasks.models import ApprovalRule, Task
from tasks.parameters import Parameter
from tasks.rules import totals
from tasks.rules.conditions import Condition, Facts, Total
from tasks.rules.meanings import meanings_of
from tasks.rules.sentences import why_it_applies
from tasks.rules.sums import Sum

if TYPE_CHECKING:
    from backoffice.models import User

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RuleSpec:
    """What a rule says: when, who, how many, in which stage, for how long.

    `may_serve_twice` lets somebody decide this stage who has decided another one. Without
    `expires_after` a request waits for three days. With a `ticket_pattern`, who asks names a ticket.
    """

    name: str
    condition: str
    groups: Sequence[Group] = ()
    people: Sequence["User"] = ()
    needed: int = 1
    position: int = 1
    for_resolving: bool = False
    may_serve_twice: bool = False
    fresh_proof: bool = False
    ticket_pattern: str = ""
    expires_after: timedelta | None = None
    remind_after: timedelta | None = None
    escalate_after: timedelta | None = None
    escalate_to: Sequence[Group] = ()
    first_items: int = 0
    stop_after_failures: int = 0
    stop_above_percent: int = 0
    stop_above_amount: Decimal | None = None

    @classmethod
    def of(cls, rule: ApprovalRule) -> Self:
        """What this rule says."""
        said: dict[str, Any] = {name: getattr(rule, name) for name in COPIED}
        said |= {name: list(getattr(rule, name).all()) for name in MANY}
        return cls(**said)


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that applies to a run, and why, with the numbers of the case."""

    rule: ApprovalRule
    because: str


MANY = ("groups", "people", "escalate_to")
COPIED = tuple(field.name for field in fields(RuleSpec) if field.name not in MANY)


def rules_in_force(task: Task) -> list[ApprovalRule]:
    """The task's present rules in order of their stages, with groups and people."""
    return list(
        task.rules.filter(ended_at=None).prefetch_related("groups", "people", "escalate_to")
    )


def rules_that_apply(facts: Facts) -> list[ApprovalRule]:
    """The rules whose condition holds, or cannot be answered."""
    return [each.rule for each in rules_with_reasons(facts)]


def rules_with_reasons(facts: Facts) -> list[Applied]:
    """The same, each with why it applies: what was reached, which the next request changes.

    Inside a transaction: until its end nobody else adds to the sums that were looked at.
    """
    rules = rules_in_force(facts.task)
    conditions = [readable(rule.condition, facts.parameters) for rule in rules]
    totals.hold({s for c in conditions if c for s in c.sums.values()}, facts)
    total = added_up_once()
    return [
        Applied(rule, why_it_applies(rule.name, condition, facts, total))
        for rule, condition in zip(rules, conditions, strict=True)
        if holds(condition, facts, total)
    ]


def added_up_once() -> Total:
    """What each sum comes to now, asked of the database once: the answer and its reason agree."""
    found: dict[Sum, Decimal] = {}

    def total(each: Sum, facts: Facts) -> Decimal:
        if each not in found:
            found[each] = totals.total_so_far(each, facts)
        return found[each]

    return total


def readable(text: str, parameters: Sequence[Parameter]) -> Condition | None:
    """The condition, unless it cannot be answered: the parameters have changed since, say.

    So is one that compares a choice, a group or a door with what it cannot be, or is no longer.
    """
    try:
        condition = Condition.of(text, parameters)
        condition.check(meanings_of(parameters))
    except (rule_engine.errors.EngineError, ValidationError, RecursionError) as error:
        logger.error("The condition %s cannot be answered: %s", text, error)
        return None
    return condition


def holds(condition: Condition | None, facts: Facts, total: Total) -> bool:
    """Whether a condition holds. It does where it cannot be answered: rules fail closed."""
    if condition is None:
        return True
    try:
        return condition.matches(facts, total)
    except (
        rule_engine.errors.EngineError,
        InvalidOperation,
        RecursionError,
        TypeError,
        ValueError,
    ):
        logger.exception("A condition of %s could not be answered", facts.task)
        return True
