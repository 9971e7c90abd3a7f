"""The typed values of a task as plain JSON, for programs that know nothing of their types."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.db.models import Model

from tasks.authoring import Money, Secret


def plain(value: Any) -> Any:  # noqa: ANN401 - of any kind of parameter
    """A value as JSON. A secret is revealed, so show the result to nobody.

    Money is {"amount": "1.50", "currency": "USD"}; decimals, dates and times are texts; a duration is
    its seconds; an object of the database is {"id": …, "label": …}. Raises TypeError for a value of
    another type.
    """
    for types, converted in _CONVERTED:
        if isinstance(value, types):
            return converted(value)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"A {type(value).__name__} has no form in JSON.")


_CONVERTED: Any = (
    (Enum, lambda member: plain(member.value)),
    ((str, bool, int, type(None)), lambda value: str(value) if isinstance(value, str) else value),
    (Decimal, lambda number: f"{number:f}"),
    (Money, lambda money: {"amount": f"{money.amount:f}", "currency": money.currency}),
    (Secret, lambda secret: secret.reveal()),
    ((datetime, date, time), lambda moment: moment.isoformat()),
    (timedelta, lambda duration: duration.total_seconds()),
    (UUID, str),
    (Model, lambda found: {"id": plain(found.pk), "label": str(found)}),
    (Mapping, lambda mapping: {str(name): plain(each) for name, each in mapping.items()}),
    (Sequence, lambda many: [plain(each) for each in many]),
)
