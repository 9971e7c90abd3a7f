"""The forms of conditions for which there are words, read from an expression of rule-engine."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from rule_engine import ast

FLIPPED: Final = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq", "ne": "ne"}
OPPOSITE: Final = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt", "eq": "ne", "ne": "eq"}
OTHER_WORD: Final = {"and": "or", "or": "and"}
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    name: getattr(operator, name) for name in FLIPPED
}


class NoWords(Exception):
    """There is no sentence for this."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Several forms, all of which (`and`) or one of which (`or`) must hold."""

    word: str
    parts: "Sequence[Form]"


@dataclass(frozen=True, slots=True)
class Compared:
    """A name, or a sum together with what this run `adds`, compared with a value.

    `default` is what an empty value counts as.
    """

    name: str
    operator: str
    value: object
    adds: str | Decimal | None = None
    default: object = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """A name that is one of several values, or none of them."""

    name: str
    values: Sequence[object]
    holds: bool


@dataclass(frozen=True, slots=True)
class Contains:
    """A list or a text that contains a value, or does not."""

    name: str
    value: object
    holds: bool


@dataclass(frozen=True, slots=True)
class Always:
    """Every run."""


type Form = Joined | Compared | OneOf | Contains | Always


def form_of(node: ast.ExpressionBase, *, holds: bool = True) -> Form:
    """The form of an expression, or of its opposite. Raises `NoWords`."""
    match node:
        case ast.BooleanExpression() if node.value is holds:
            return Always()
        case ast.UnaryExpression(type="not"):
            return form_of(node.right, holds=not holds)
        case ast.LogicExpression():
            return _joined(node, holds=holds)
        case ast.ComparisonExpression(type=name) if name in FLIPPED:
            return _compared(node, name if holds else OPPOSITE[name])
        case ast.ContainsExpression():
            return _contained(node, holds=holds)
        case ast.SymbolExpression():
            return Compared(_name(node), "eq", holds)
    raise NoWords


def _joined(node: ast.LogicExpression, *, holds: bool) -> Form:
    word = node.type if holds else OTHER_WORD[node.type]
    parts: list[Form] = []
    for form in (form_of(side, holds=holds) for side in (node.left, node.right)):
        if isinstance(form, Always):
            raise NoWords
        parts += form.parts if isinstance(form, Joined) and form.word == word else [form]
    return Joined(word, parts)


def _compared(node: ast.ComparisonExpression, name: str) -> Form:
    left, right = node.left, node.right
    if isinstance(left, ast.LiteralExpressionBase):
        left, right, name = right, left, FLIPPED[name]
    value = _value(right)
    match left:
        case ast.AddExpression():
            return _with_this_run(left, name, value)
        case ast.CoalesceExpression():
            return Compared(_name(left.left), name, value, default=_value(left.right))
    if isinstance(value, bool):
        return Compared(_name(left), "eq", value if name == "eq" else not value)
    return Compared(_name(left), name, value)


def _with_this_run(node: ast.AddExpression, name: str, value: object) -> Form:
    """A sum, and what this run adds to it."""
    first, second = node.left, node.right
    if not is_sum(getattr(first, "name", "")):
        first, second = second, first
    return Compared(_sum(first), name, value, adds=_added(second))


def _added(node: ast.ExpressionBase) -> str | Decimal:
    match node:
        case ast.FloatExpression():
            return Decimal(node.value)
        case ast.CoalesceExpression() if _value(node.right) == 0:
            return _name(node.left)
    return _name(node)


def _contained(node: ast.ContainsExpression, *, holds: bool) -> Form:
    if isinstance(node.container, ast.ArrayExpression):
        values = [_value(each) for each in node.container.value]
        return OneOf(_name(node.member), values, holds)
    return Contains(_name(node.container), _value(node.member), holds)


def is_sum(name: str) -> bool:
    """Whether a name stands in the place of a sum."""
    return name.startswith("__sum_")


def _sum(node: ast.ExpressionBase) -> str:
    if is_sum(name := _name(node)):
        return name
    raise NoWords


def _name(node: ast.ExpressionBase) -> str:
    if isinstance(node, ast.SymbolExpression) and node.scope is None:
        return str(node.name)
    raise NoWords


def _value(node: ast.ExpressionBase) -> object:
    known = ast.FloatExpression, ast.StringExpression, ast.BooleanExpression
    if isinstance(node, (*known, ast.DatetimeExpression, ast.NullExpression)):
        return node.value
    raise NoWords
