"""What is taken of an answer: the declared fields, of the declared types, and nothing else."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tasks.contrib.exact_json import NotExact, exact_json

TYPES: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    Decimal: "a number",
    bool: "true or false",
}


class NotAsDeclared(ValueError):
    """The answer cannot be read, or has another shape than its task says."""


def fields_of(content: bytes, content_type: str, returns: Mapping[str, type]) -> dict[str, Any]:
    """The fields that `returns` names, by their paths: "id", or "data.id". Raises NotAsDeclared.

    What is not named goes nowhere: not into a result, not into a log, not into an error.
    """
    if not returns:
        return {}
    answer = _read(content, content_type)
    return {path: _field(answer, path, expected) for path, expected in returns.items()}


def problem_in(content: bytes, content_type: str, path: str) -> str:
    """Why the service refused, from the field that the task names; empty where there is none."""
    if not path:
        return ""
    try:
        return str(_field(_read(content, content_type), path, str))[:300].rstrip(". ")
    except NotAsDeclared:
        return ""


def _read(content: bytes, content_type: str) -> Any:  # noqa: ANN401 - JSON
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise NotAsDeclared(f"It answered with {kind or 'something'} instead of JSON.")
    try:
        return exact_json(content)
    except NotExact as error:
        raise NotAsDeclared(str(error)) from error


def _field(answer: Any, path: str, expected: type) -> Any:  # noqa: ANN401 - JSON
    value = answer
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            raise NotAsDeclared(f"Its answer has no “{path}”.")
        value = value[name]
    if expected is Decimal and type(value) is int:
        value = Decimal(value)
    if type(value) is not expected:
        raise NotAsDeclared(f"“{path}” in its answer is not {TYPES[expected]}.")
    return value
