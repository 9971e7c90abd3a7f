"""Comparisons that can never come true, or always do: with a value that a name cannot have.

Whoever writes one has mistaken a name or a value, and nobody would notice: the rule never asks.
"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError
from rule_engine import ast

from tasks.rules.meanings import MOST_LISTED, Meaning, Meanings, shown

_PARTS: Final = (
    "left", "right", "container", "member", "condition", "case_true", "case_false", "object", "item",
    "start", "stop", "function", "arguments", "value",
)  # fmt: skip
_LISTS: Final = (ast.ArrayExpression, ast.SetExpression, ast.MappingExpression)
_ANYTHING: Final = "UNDEFINED"
_WORDS: Final = {
    "FLOAT": "number",
    "STRING": "text",
    "BOOLEAN": "true or false",
    "DATETIME": "date",
}


def check_comparisons(expression: ast.ExpressionBase, meanings: Meanings) -> None:
    """Raise `ValidationError` for a part of the condition that always has the same answer."""
    try:
        _check(expression, meanings)
    except RecursionError:
        raise ValidationError("This is nested too deeply. Write it more simply.") from None


def _check(expression: ast.ExpressionBase, meanings: Meanings) -> None:
    if isinstance(expression, ast.BooleanExpression) and not expression.value:
        raise ValidationError("This condition never holds. Compare a name with a value.")
    _check_objects(expression, meanings)
    for node in _all(expression):
        if isinstance(node, ast.LogicExpression):
            _check_sides(node)
        elif isinstance(node, ast.ComparisonExpression) and node.type in ("eq", "ne"):
            _check_pair(node.left, node.right, meanings)
        elif isinstance(node, ast.ContainsExpression):
            _check_contained(node, meanings)


def _check_sides(node: ast.LogicExpression) -> None:
    decides = node.type == "or"  # true decides an or, false an and
    for side in (node.left, node.right):
        if isinstance(side, ast.BooleanExpression) and side.value is decides:
            raise ValidationError(
                f"A part of this condition is always {str(decides).lower()}, and so is all of it. "
                "Compare a name with a value."
            )


def _check_pair(left: ast.ExpressionBase, right: ast.ExpressionBase, meanings: Meanings) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, ast.NullExpression):
            _check_null(other)
            return
    _check_types(left, right)
    _check_options(_meaning(left, meanings), _meaning(right, meanings))
    for one, other in ((left, right), (right, left)):
        if meaning := _meaning(one, meanings):
            for value in _values(other):
                if value != _default(one):
                    _check_value(meaning, value, meaning.can_be)


def _check_contained(node: ast.ContainsExpression, meanings: Meanings) -> None:
    """`kind in ["a", "b"]`, `"Night shift" in requester_groups`, `"refund" in note`."""
    container, member = node.container, node.member
    if isinstance(container, _LISTS):
        if not container.value:
            raise ValidationError("Nothing is in an empty list. Write a value into it.")
        for each in _written(container):
            _check_pair(member, each, meanings)
    elif meaning := _meaning(container, meanings):
        is_list = _type(container).name == "ARRAY"
        for value in _values(member):
            _check_value(meaning, value, meaning.can_be if is_list else meaning.can_contain)


def _check_null(node: ast.ExpressionBase) -> None:
    if node.result_type.name not in (_ANYTHING, "NULLABLE", "NULL"):
        raise ValidationError(f"{_called(node)} is never empty: it cannot be compared with null.")


def _check_types(left: ast.ExpressionBase, right: ast.ExpressionBase) -> None:
    kinds = [_type(side) for side in (left, right)]
    names = {kind.name for kind in kinds}
    if len(names) > 1 and _ANYTHING not in names:
        one, other = (_WORDS.get(kind.name, "list") for kind in kinds)
        raise ValidationError(
            f"{_called(left)} never equals {_called(right)}: a {one} is compared with a {other}."
        )


def _check_options(one: Meaning | None, other: Meaning | None) -> None:
    """Of two names with few values each, whether they can have the same."""
    both = [options for each in (one, other) if each and (options := each.options()) is not None]
    if len(both) == 2 and not set(both[0]) & set(both[1]):
        names = " and ".join(f"“{each.name}”" for each in (one, other) if each)
        raise ValidationError(f"{names} have no value in common.")


def _check_value(meaning: Meaning, value: object, can_be: Callable[[object], bool]) -> None:
    if not can_be(value):
        raise ValidationError(
            f"“{meaning.name}” can never be {shown(value)}.{_hint(meaning, value)}"
        )


def _check_objects(expression: ast.ExpressionBase, meanings: Meanings) -> None:
    """Of an object a condition knows the key, which nobody knows and no text equals."""
    for node in _all(expression, below=_is_about_objects(meanings)):
        meaning = _meaning(node, meanings) if isinstance(node, ast.SymbolExpression) else None
        if meaning and meaning.model is not None:
            raise ValidationError(
                f"“{meaning.name}” is an object, which a condition cannot compare with a value. "
                "Compare a text, a number or a choice instead, or go by it in a total."
            )


def _is_about_objects(meanings: Meanings) -> Callable[[ast.ASTNodeBase], bool]:
    """Whether a comparison of an object is one that means something: with null, or with its like."""

    def allowed(node: ast.ASTNodeBase) -> bool:
        if not (isinstance(node, ast.ComparisonExpression) and node.type in ("eq", "ne")):
            return False
        sides = (node.left, node.right)
        if any(isinstance(side, ast.NullExpression) for side in sides):
            return True
        models = [found.model for side in sides if (found := _meaning(side, meanings))]
        return len(models) == 2 and models[0] is not None and models[0] is models[1]

    return allowed


def _all(
    node: ast.ASTNodeBase, below: Callable[[ast.ASTNodeBase], bool] = lambda node: False
) -> Iterator[ast.ASTNodeBase]:
    """A node and all below it, but for what stands below one that `below` names."""
    yield node
    if below(node):
        return
    for name in _PARTS:
        for part in _flat(getattr(node, name, None)):
            yield from _all(part, below)


def _flat(value: object) -> Iterator[ast.ASTNodeBase]:
    if isinstance(value, ast.ASTNodeBase):
        yield value
    elif isinstance(value, (tuple, list, set)):
        for each in value:
            yield from _flat(each)


def _written(node: ast.ExpressionBase) -> Sequence[ast.ExpressionBase]:
    """What stands in a list, or the value itself."""
    if isinstance(node, ast.MappingExpression):
        return [key for key, _ in node.value]
    return list(node.value) if isinstance(node, _LISTS) else [node]


def _values(node: ast.ExpressionBase) -> Sequence[object]:
    """The values that are written there: one, or those of a list."""
    literals = (each for each in _written(node) if isinstance(each, ast.LiteralExpressionBase))
    return [each.value for each in literals if not isinstance(each, (*_LISTS, ast.NullExpression))]


def _meaning(node: ast.ExpressionBase, meanings: Meanings) -> Meaning | None:
    if isinstance(node, ast.CoalesceExpression):
        node = node.left
    if isinstance(node, ast.SymbolExpression) and node.scope is None:
        return meanings.get(node.name)
    return None


def _default(node: ast.ExpressionBase) -> object:
    """What an empty value counts as: `kind ?? "none"`."""
    if isinstance(node, ast.CoalesceExpression):
        return getattr(node.right, "value", None)
    return None


def _type(node: ast.ExpressionBase) -> Any:  # noqa: ANN401 - a type of rule-engine, which has no stubs
    kind = node.result_type
    return kind.inner_type if kind.name == "NULLABLE" else kind


def _called(node: ast.ExpressionBase) -> str:
    if isinstance(node, ast.SymbolExpression):
        return f"“{node.name}”" if not node.name.startswith("__sum_") else "A total"
    if isinstance(node, (ast.StringExpression, ast.FloatExpression, ast.BooleanExpression)):
        value = str(node.value).lower() if isinstance(node.value, bool) else node.value
        return shown(value)
    return "A part of this condition"


def _hint(meaning: Meaning, value: object) -> str:
    options = meaning.options()
    if options is None:
        return ""
    texts = {str(each).casefold(): each for each in options}
    close = difflib.get_close_matches(str(value).casefold(), texts, n=1)
    if close:
        return f" Did you mean {shown(texts[close[0]])}?"
    if not meaning.listed:
        return ""
    listed = ", ".join(map(shown, options[:MOST_LISTED]))
    return f" It can be {listed or 'nothing yet'}{' and others' if len(options) > MOST_LISTED else ''}."
