"""Conditions of approval rules: read, checked against a task's parameters, and answered.

A condition is an expression of rule-engine, exact on decimals, over the parameters, the requester,
the door, and sums over what was asked for before (see `tasks.rules.sums`).
"""

import decimal
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import rule_engine
from django.core.exceptions import ValidationError

from tasks.models import Task
from tasks.parameters import Parameter, rule_types, rule_values
from tasks.rules.comparisons import check_comparisons
from tasks.rules.meanings import Meanings, meanings_of
from tasks.rules.sums import Sum, check_sums, take_out_sums
from tasks.rules.syntax import check_syntax
from tasks.rules.texts import type_in_words

if TYPE_CHECKING:
    from backoffice.models import User

type Types = Mapping[str, rule_engine.DataType]
type Total = Callable[[Sum, "Facts"], Decimal]  # what a sum comes to in this case

# The names beside the parameters: no parameter may have one of them (tasks.parameters.signature).
CIRCUMSTANCES: Final[Types] = {
    "requester": rule_engine.DataType.STRING,
    "requester_groups": rule_engine.DataType.ARRAY(rule_engine.DataType.STRING),
    "door": rule_engine.DataType.STRING,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition looks at: who asks for which task, by which door, with which values."""

    task: Task
    requested_by: "User"
    requester_groups: tuple[str, ...]
    door: str
    parameters: Sequence[Parameter]
    frozen: Mapping[str, Any]
    groupings: Mapping[str, str]

    @classmethod
    def of(
        cls,
        task: Task,
        person: "User",
        door: str,
        parameters: Sequence[Parameter],
        frozen: Mapping[str, Any],
        groupings: Mapping[str, str],
    ) -> Self:
        """The facts, with the groups that this person is in now."""
        groups = tuple(sorted(group.name for group in person.groups.all()))
        return cls(task, person, groups, door, parameters, frozen, groupings)

    def values(self) -> dict[str, object]:
        """Each name that a condition may use, with its value."""
        return {
            **rule_values(self.parameters, self.frozen),
            "requester": self.requested_by.get_username(),
            "requester_groups": self.requester_groups,
            "door": str(self.door),  # a member of Door is no text to rule-engine
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that has been read."""

    rule: rule_engine.Rule
    sums: Mapping[str, Sum]

    @classmethod
    def of(cls, text: str, parameters: Sequence[Parameter]) -> Self:
        """Read a condition. Raises `ValidationError`, or an `EngineError` of rule-engine."""
        expression, sums = take_out_sums(text)
        check_sums(sums.values(), parameters)
        types = {**names_for(parameters), **dict.fromkeys(sums, rule_engine.DataType.FLOAT)}
        return cls(rule_over(expression, types), sums)

    def check(self, meanings: Meanings) -> None:
        """Raise `ValidationError` where a comparison of it can never come true, or always does."""
        check_comparisons(self.rule.statement.expression, meanings)

    def matches(self, facts: Facts, total: Total) -> bool:
        """Whether it holds. `total` is asked for each sum."""
        totals = {name: total(each, facts) for name, each in self.sums.items()}
        return bool(self.rule.matches(facts.values() | totals))


def names_for(parameters: Sequence[Parameter]) -> dict[str, rule_engine.DataType]:
    """The names that a condition may use for these parameters, with their types."""
    return {**rule_types(parameters), **CIRCUMSTANCES}


def check_condition(
    condition: str, parameters: Sequence[Parameter], *, with_people: bool = True
) -> None:
    """Raise `ValidationError` unless the condition is a yes-or-no question over these names.

    And one that can be answered either way. Only `with_people` are the names of people and groups
    looked up in the database.
    """
    read = partial(Condition.of, condition, parameters)
    meanings = meanings_of(parameters, with_people=with_people)
    _check(condition, names_for(parameters), lambda: read().rule, meanings)


def check_over(condition: str, types: Types, meanings: Meanings) -> None:
    """The same for a condition over other names, in which there are no sums."""
    _check(condition, types, partial(rule_over, condition, types), meanings)


def rule_over(condition: str, types: Types) -> rule_engine.Rule:
    """A condition over these names, without sums.

    Raises `ValidationError` for what may take long, and an `EngineError` of rule-engine.
    """
    check_syntax(condition)
    try:
        return rule_engine.Rule(condition, context=_context(types))
    except RecursionError:
        raise ValidationError("This is nested too deeply. Write it more simply.") from None


def _check(
    condition: str, types: Types, read: Callable[[], rule_engine.Rule], meanings: Meanings
) -> None:
    try:
        rule = read()
    except rule_engine.errors.SymbolResolutionError as error:
        raise ValidationError(_unknown_name(error.symbol_name, types)) from error
    except rule_engine.errors.EvaluationError as error:
        raise ValidationError(f"{_explained(error.message)} {_names(types)}") from error
    except rule_engine.errors.EngineError as error:
        raise ValidationError(
            f"This condition is not complete: {error.message}. Write for example: amount > 100"
        ) from error
    _must_be_boolean(rule, condition, types)
    check_comparisons(rule.statement.expression, meanings)


def _must_be_boolean(rule: rule_engine.Rule, condition: str, types: Types) -> None:
    kind = rule.statement.expression.result_type
    if kind not in (rule_engine.DataType.BOOLEAN, rule_engine.DataType.UNDEFINED):
        raise ValidationError(
            f"“{condition}” is not true or false. Compare it with something, as in "
            f"amount > 100, or write true for every run. {_names(types)}"
        )


def _explained(message: str) -> str:
    if "nullable" in message:
        return (
            "A parameter in this condition can be left empty. Say what an empty one counts as: "
            "(amount ?? 0) > 100."
        )
    return f"{message[:1].upper()}{message[1:]}."


def _unknown_name(name: str, types: Types) -> str:
    close = difflib.get_close_matches(name, types, n=1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    return f"There is no “{name}” here.{hint} {_names(types)}"


def _names(types: Types) -> str:
    listed = ", ".join(f"{name} ({type_in_words(kind)})" for name, kind in types.items())
    return f"The names you can use: {listed}."


def _context(types: Types) -> rule_engine.Context:
    return rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dict(dict(types)),
        default_timezone="utc",  # as the dates among the values are
        decimal_context=decimal.Context(prec=100),  # so that no sum is rounded
    )
