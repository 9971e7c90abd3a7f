"""What of a file is there already: new, the same, or changed. Nothing that is there is ever overwritten."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import batched
from typing import Any, Final

from django.db import models

from tasks.contrib.imports.reading import Reading
from tasks.contrib.imports.targets import Into, Row

AT_ONCE: Final = 5_000  # rows that are asked for, and written, together


@dataclass(frozen=True, slots=True)
class Changed:
    """A row whose key is there with other values: by field, what is there and what the file says."""

    row: int
    key: Row
    differences: Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Positions of the new rows in the reading, how many are the same, and those that differ."""

    new: list[int] = field(default_factory=list)
    same: int = 0
    changed: list[Changed] = field(default_factory=list)


def compare(reading: Reading, into: Into, scope: Mapping[str, Any]) -> Comparison:
    """Look up every row of the file among those that are there, some thousand at a time."""
    new: list[int] = []
    changed: list[Changed] = []
    same = 0
    width = len(into.key)
    for part in batched(range(len(reading.rows)), AT_ONCE):
        there = _there(into, reading.fields, scope, [reading.rows[at] for at in part])
        for at in part:
            row = reading.rows[at]
            found = there.get(row[:width])
            if found is None:
                new.append(at)
            elif found == row:
                same += 1
            else:
                changed.append(_changed(reading, at, found, width))
    return Comparison(new, same, changed)


def sums(
    reading: Reading, into: Into, positions: Iterator[int] | Sequence[int]
) -> dict[str, Decimal]:
    """What these rows come to in each currency, by the first field of money."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for name, currency in list(into.money.items())[:1]:
        if name in reading.fields:
            amount_at, currency_at = reading.fields.index(name), reading.fields.index(currency)
            for at in positions:
                row = reading.rows[at]
                totals[row[currency_at]] += row[amount_at]
    return dict(sorted(totals.items()))


def _changed(reading: Reading, at: int, found: Row, width: int) -> Changed:
    row = reading.rows[at]
    differences = {
        name: (before, after)
        for name, before, after in zip(reading.fields, found, row, strict=True)
        if before != after
    }
    return Changed(reading.numbers[at], row[:width], differences)


def _there(
    into: Into, fields: Sequence[str], scope: Mapping[str, Any], rows: Sequence[Row]
) -> dict[Row, Row]:
    """The rows with one of these keys, by key. The first part of the key is what is asked for."""
    first = {row[0] for row in rows}
    found: models.QuerySet[Any] = into.model._default_manager.filter(
        **scope, **into.among, **{f"{into.key[0]}__in": first}
    )
    return {row[: len(into.key)]: row for row in found.values_list(*fields)}
