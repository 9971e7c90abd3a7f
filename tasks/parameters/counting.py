"""What sums over history are made of: numbers to add up, and names to go by."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import rule_engine
from django.db import models

from audit.texts.hidden import folded
from tasks.parameters.errors import DoesNotFit
from tasks.parameters.faults import told_in_a_sentence
from tasks.parameters.kinds.base import Json
from tasks.parameters.kinds.numbers import WholeKind
from tasks.parameters.signature import Parameter

_NOTHING = "nothing"
_BY_ITSELF = (
    rule_engine.DataType.STRING,
    rule_engine.DataType.BOOLEAN,
    rule_engine.DataType.DATETIME,
)


@dataclass(frozen=True, slots=True)
class Addend:
    """Where in a run's parameters a number stands, and what two of them must share to be added."""

    number_at: tuple[str, ...]
    unit_at: tuple[str, ...]

    def number(self, frozen: Mapping[str, Json]) -> Decimal | None:
        """The number among these parameters, if there is one. Raises `DoesNotFit`."""
        found = _at(frozen, self.number_at)
        try:
            number = None if found is None else Decimal(str(found))
        except ArithmeticError:
            raise DoesNotFit(f"{found!r} is no number.") from None
        if number is not None and not number.is_finite():
            raise DoesNotFit(f"{found!r} is no finite number.")
        return number

    def unit(self, frozen: Mapping[str, Json]) -> str:
        """The currency of the number. Empty where it has none."""
        return str(_at(frozen, self.unit_at) or "") if self.unit_at else ""


def addends(parameters: Iterable[Parameter]) -> dict[str, Addend]:
    """The parameters that can be added up: whole numbers, decimals and money."""
    return {
        p.name: Addend(
            (p.name, *p.kind.number_at), (p.name, *p.kind.unit_at) if p.kind.unit_at else ()
        )
        for p in parameters
        if p.kind.number_at is not None
    }


def grouping_names(parameters: Iterable[Parameter]) -> list[str]:
    """The names that a sum can go by: of parameters, and those that their `sums_by` gives."""
    return [name for p in parameters for name in (*_own_names(p), *p.param.sums_by)]


def groupings(
    parameters: Iterable[Parameter], values: Mapping[str, Any], frozen: Mapping[str, Json]
) -> dict[str, str]:
    """What a run with these values counts towards: each name with a fingerprint of its value.

    Spaces, case, width and invisible characters do not make two texts different here. Raises
    `AuthorsFault` where a function of `sums_by` fails.
    """
    found: dict[str, str] = {}
    for p in parameters:
        seen = p.kind.rule_values(p.name, frozen.get(p.name))
        found |= {name: _fingerprint(seen[name]) for name in _own_names(p)}
        value = values.get(p.name)
        for name, of in p.param.sums_by.items():
            with told_in_a_sentence(f"“{name}” of {p.label} could not be found"):
                found[name] = _fingerprint(None if value is None else of(value))
    return found


def _own_names(parameter: Parameter) -> list[str]:
    if parameter.param.long:
        return []
    whole = isinstance(parameter.kind, WholeKind)
    types = parameter.kind.rule_types(parameter.name)
    return [name for name, kind in types.items() if whole or kind in _BY_ITSELF]


def _fingerprint(value: object) -> str:
    return hashlib.sha256(_plain(value).encode()).hexdigest()


def _plain(value: object) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, models.Model):
        return f"={value.pk}"
    if isinstance(value, datetime):
        return f"={value.isoformat()}"
    return f"={folded(str(value))}"


def _at(frozen: Json | Mapping[str, Json], path: tuple[str, ...]) -> Json:
    found: Any = frozen
    for name in path:
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise DoesNotFit("The task has changed since this was stored. Request the run again.")
        found = found.get(name)
    if isinstance(found, Mapping):
        raise DoesNotFit("The task has changed since this was stored. Request the run again.")
    return found  # type: ignore[no-any-return]
