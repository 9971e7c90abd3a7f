"""What people call the names and values of a condition: labels, amounts, dates."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.formats import date_format

from tasks.parameters import Parameter
from tasks.parameters.currencies import PLACES
from tasks.parameters.kinds.base import Kind
from tasks.parameters.kinds.choices import ChoiceKind, SeveralKind
from tasks.parameters.kinds.files import FileKind
from tasks.parameters.kinds.objects import ObjectKind
from tasks.parameters.kinds.text import TextKind
from tasks.parameters.words import words
from tasks.rules.forms import NoWords

CODE: Final = re.compile(r"[()<>=_\[\]{}\\^$|`]")
PARTS: Final = {
    "currency": "currency",
    "rows": "number of rows",
    "seconds": "number of seconds",
    "size": "size in bytes",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter, and which part of it a name stands for: itself, its currency, its rows."""

    parameter: Parameter
    part: str

    @property
    def kind(self) -> Kind:
        return self.parameter.kind

    @property
    def is_money(self) -> bool:
        return self.kind.is_money and not self.part


class Names:
    """The names that the parameters of a task give."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = parameters
        self._known = dict(_named(parameters))

    def __getitem__(self, name: str) -> Name:
        """Raises `NoWords` for a name that no parameter gives."""
        if found := self._known.get(name):
            return found
        raise NoWords

    @property
    def has_one_amount(self) -> bool:
        """Whether an amount of money needs no label to be understood."""
        return sum(parameter.kind.is_money for parameter in self.parameters) == 1

    def called(self, name: str) -> str:
        """“amount”, “currency”, “number of rows in credits”."""
        found = self[name]
        label = small(found.parameter.label)
        if isinstance(found.kind, FileKind) and not found.part:
            return f"name of {label}"
        if not found.part or (found.part == "currency" and self.has_one_amount):
            return PARTS.get(found.part, label)
        if found.part not in PARTS:
            raise NoWords
        return f"{PARTS[found.part]} {'in' if found.part == 'rows' else 'of'} {label}"

    def grouping(self, name: str) -> str:
        """What a sum goes by: the label of a parameter, or what it is called in `sums_by`."""
        return self.called(name) if name in self._known else small(words(name))

    def is_somebody(self, name: str) -> bool:
        """Whether money goes to it: an object, a text such as a bank account, what `sums_by` says."""
        found = self._known.get(name)
        return found is None or isinstance(found.kind, (ObjectKind, TextKind))

    def amount(self, name: str, number: Decimal, frozen: Mapping[str, Any] | None = None) -> str:
        """“150.00 USD”; without a case the currency stands there only if there is one alone."""
        currencies = self._currencies(name, frozen)
        text = self.number(name, number, frozen)
        return f"{text} {currencies[0]}" if len(currencies) == 1 else text

    def number(self, name: str, number: Decimal, frozen: Mapping[str, Any] | None = None) -> str:
        """The number with the decimals that its currency or its parameter has."""
        places = {PLACES[currency] for currency in self._currencies(name, frozen)}
        own = self[name].parameter.param.places if not self[name].part else 0
        return exact(number, places.pop() if len(places) == 1 else own or 0)

    def _currencies(self, name: str, frozen: Mapping[str, Any] | None) -> Sequence[str]:
        found = self[name]
        if not found.is_money:
            return ()
        if frozen is None:
            return found.parameter.param.currencies
        money = frozen.get(found.parameter.name)
        return (money["currency"],) if money else ()

    def literal(self, name: str, value: object) -> str:
        """A value with which this name is compared. Raises `NoWords`."""
        found = self[name]
        kind = found.kind.one if isinstance(found.kind, SeveralKind) else found.kind
        if isinstance(kind, ChoiceKind):
            return _choice(kind, value)
        if isinstance(kind, ObjectKind):
            raise NoWords  # a key, which nobody knows
        if found.part == "currency" and value in PLACES:
            return str(value)
        if isinstance(value, Decimal):
            return self.amount(name, value)
        return moment(value) if isinstance(value, datetime) else quoted(value)


def _named(parameters: Sequence[Parameter]) -> Iterator[tuple[str, Name]]:
    for parameter in parameters:
        for name in parameter.kind.rule_types(parameter.name):
            yield name, Name(parameter, name.removeprefix(parameter.name).lstrip("_"))


def _choice(kind: ChoiceKind, value: object) -> str:
    plain = int(value) if isinstance(value, Decimal) and value == int(value) else value
    if plain not in kind.labels:
        raise NoWords
    return f"“{kind.labels[plain]}”"


def quoted(value: object) -> str:
    """A text in quotes. Raises `NoWords` for one that looks like code, and for what is no text."""
    return f"“{plain(value)}”"


def plain(value: object) -> str:
    """A text that people can read. Raises `NoWords`."""
    if not isinstance(value, str) or not value.strip() or CODE.search(value):
        raise NoWords
    return value


def exact(number: Decimal, places: int = 0) -> str:
    """The number with so many decimals, or with more where it has more: never rounded."""
    exponent = number.normalize().as_tuple().exponent
    own = -exponent if isinstance(exponent, int) else 0
    return f"{number:.{max(places, own, 0)}f}"


def moment(at: datetime) -> str:
    """“31 Jan 2026”, with the time where there is one."""
    at = at.astimezone(UTC)
    is_day = (at.hour, at.minute, at.second) == (0, 0, 0)
    return date_format(at, "j M Y" if is_day else "j M Y, H:i T")


def small(label: str) -> str:
    """A label within a sentence: “Amount” as “amount”, “IBAN” as it is."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def large(text: str) -> str:
    """A text at the beginning of a sentence."""
    return text[:1].upper() + text[1:]
