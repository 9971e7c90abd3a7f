"""When a run needs approval: conditions over its parameters, checked when they are written.

A condition is an expression of rule-engine, exact on decimals. An error while evaluating one
means that approval is needed.
"""

import difflib
import logging
from collections.abc import Mapping
from decimal import InvalidOperation

import rule_engine
from django.core.exceptions import ValidationError

from tasks.models import ApprovalRule, Task
from tasks.parameters import Parameter, rule_types, rule_values

logger = logging.getLogger(__name__)

type Types = Mapping[str, rule_engine.DataType]


def check_condition(condition: str, parameters: list[Parameter]) -> None:
    """Raise `ValidationError` unless the condition is a yes-or-no question over these names."""
    types = rule_types(parameters)
    try:
        rule = rule_engine.Rule(condition, context=_context(types))
    except rule_engine.errors.SymbolResolutionError as error:
        raise ValidationError(_unknown_name(error.symbol_name, types)) from error
    except rule_engine.errors.EvaluationError as error:
        raise ValidationError(f"{_explained(error.message)} {_names(types)}") from error
    except rule_engine.errors.EngineError as error:
        raise ValidationError(
            f"This is no complete condition: {error.message}. Write, for example: amount > 100"
        ) from error
    _must_be_boolean(rule, condition, types)


def _must_be_boolean(rule: rule_engine.Rule, condition: str, types: Types) -> None:
    kind = rule.statement.expression.result_type
    if kind not in (rule_engine.DataType.BOOLEAN, rule_engine.DataType.UNDEFINED):
        raise ValidationError(
            f"“{condition}” is not a yes-or-no question. Compare it with something, as in "
            f"amount > 100, or write true for every run. {_names(types)}"
        )


def _explained(message: str) -> str:
    if "nullable" in message:
        return (
            "A parameter in this condition may be left empty. Say what an empty one counts as: "
            "(amount ?? 0) > 100."
        )
    return f"{message[:1].upper()}{message[1:]}."


def _unknown_name(name: str, types: Types) -> str:
    close = difflib.get_close_matches(name, types, n=1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    return f"There is no parameter “{name}”.{hint} {_names(types)}"


def _names(types: Types) -> str:
    listed = ", ".join(f"{name} ({kind.name.lower()})" for name, kind in types.items())
    return f"The names you can use: {listed}."


def _context(types: Types) -> rule_engine.Context:
    return rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dict(dict(types)),
        default_timezone="utc",  # as the dates among the values are
    )


def rules_in_force(task: Task) -> list[ApprovalRule]:
    """The task's present rules in order of their stages, with groups and people."""
    return list(task.rules.filter(ended_at=None).prefetch_related("groups", "people"))


def rules_that_apply(
    task: Task, parameters: list[Parameter], frozen: Mapping[str, object]
) -> list[ApprovalRule]:
    """The rules whose condition holds for these values, or cannot be answered for them."""
    rules = rules_in_force(task)
    if not rules:
        return []
    context = _context(rule_types(parameters))
    values = rule_values(parameters, frozen)
    return [rule for rule in rules if _holds(rule, context, values)]


def _holds(rule: ApprovalRule, context: rule_engine.Context, values: dict[str, object]) -> bool:
    try:
        return bool(rule_engine.Rule(rule.condition, context=context).matches(values))
    except (rule_engine.errors.EngineError, InvalidOperation, TypeError, ValueError):
        # Fails closed: a rule that cannot be answered asks for approval.
        logger.exception("Rule %s (%s) could not be evaluated", rule.pk, rule.condition)
        return True
