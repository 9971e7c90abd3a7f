"""The types that values have in a query, by what the parameters are declared as."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, get_args
from uuid import UUID

from django.db.models import IntegerField, Model, UUIDField

from tasks.parameters import Money
from tasks.parameters.signature import Parameter

REQUESTED_BY: Final = "requested_by"  # the user name of who runs it: in each query, on no form
LARGEST_INTEGER: Final = 2**31 - 1
_PLAIN: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    Decimal: "numeric",
    str: "text",
    date: "date",
    datetime: "timestamptz",
    time: "time",
    timedelta: "interval",
    UUID: "uuid",
}


def types_of(declared: list[Parameter]) -> dict[str, str]:
    """The SQL type of each name that a query can use."""
    found = {REQUESTED_BY: "text"}
    for parameter in declared:
        found.update(_types(parameter))
    return found


def _types(parameter: Parameter) -> Iterator[tuple[str, str]]:
    name, hint = parameter.name, parameter.kind.hint
    if hint is Money:
        yield name, "numeric"
        yield f"{name}_currency", "text"
    elif hint is int and _is_large(parameter.param.max):
        yield name, "bigint"
    elif (sql_type := _type(hint)) is not None:
        yield name, sql_type


def _is_large(bound: object) -> bool:
    return isinstance(bound, int) and bound > LARGEST_INTEGER


def _type(hint: Any) -> str | None:  # noqa: ANN401 - a type hint
    """None for what a query cannot be given: files, rows, secrets."""
    if not isinstance(hint, type):
        values = get_args(hint)  # of a Literal
        return _PLAIN.get(type(values[0])) if values else None
    if issubclass(hint, Enum):
        return _PLAIN.get(type(next(iter(hint)).value), "text") if len(hint) else None
    if issubclass(hint, Model):
        key = hint._meta.pk
        return (
            "bigint"
            if isinstance(key, IntegerField)
            else "uuid"
            if isinstance(key, UUIDField)
            else "text"
        )
    return _PLAIN.get(hint)


def values_of(values: Mapping[str, Any], requested_by: str) -> dict[str, Any]:
    """The values under the names that a query uses."""
    found: dict[str, Any] = {REQUESTED_BY: requested_by}
    for name, value in values.items():
        match value:
            case Money():
                found |= {name: value.amount, f"{name}_currency": value.currency}
            case Enum():
                found[name] = getattr(value.value, "value", value.value)
            case Model():
                found[name] = value.pk
            case _:
                found[name] = value
    return found
