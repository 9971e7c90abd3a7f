"""Conditions as parts, each of which a form can show: a field, a comparison, values.

What a form sends is written as the text of a condition, and a text is read as parts again. A
condition that has no parts, such as `amount * 2 > 100`, stays a text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import rule_engine
from django.core.exceptions import ValidationError

from audit.context import Door
from tasks.parameters import Parameter, addends, grouping_names
from tasks.parameters.kinds.choices import ChoiceKind, SeveralKind
from tasks.parameters.kinds.dates import DateKind
from tasks.rules.conditions import CIRCUMSTANCES, Condition, names_for
from tasks.rules.forms import (
    Always,
    Compared,
    Contains,
    Form,
    Joined,
    NoWords,
    OneOf,
    form_of,
    is_sum,
)
from tasks.rules.meanings import Meanings, meanings_of
from tasks.rules.names import Names, large
from tasks.rules.sums import Sum
from tasks.rules.syntax import check_numbers

MOST: Final = 20  # parts of one condition
COUNT: Final = "count()"
ALL_RUNS: Final = "task"  # what a total goes by that goes by nothing else
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?")


class Kind(StrEnum):
    """How the values of a field are compared, and typed."""

    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    YES_NO = "yes or no"
    DAY = "date"
    MOMENT = "moment"
    LIST = "list"
    OBJECT = "object"
    TOTAL = "total"


SIZES: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
SIGNS: Final = SIZES | {"eq": "==", "ne": "!="}
EMPTY: Final = {"empty": "is empty", "filled": "is not empty"}
SEVERAL: Final = ("in", "not_in")  # comparisons with several values
_SIZES: Final = {
    "gt": "is above", "ge": "is at least", "lt": "is below", "le": "is at most", "eq": "is",
    "ne": "is not",
}  # fmt: skip
_TIMES: Final = {
    "gt": "is after", "ge": "is on or after", "lt": "is before", "le": "is on or before"
}  # fmt: skip
COMPARISONS: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.NUMBER: _SIZES,
    Kind.TOTAL: _SIZES,
    Kind.TEXT: {
        "eq": "is", "ne": "is not", "has": "contains", "has_not": "does not contain",
    },
    Kind.CHOICE: {"eq": "is", "ne": "is not", "in": "is one of", "not_in": "is none of"},
    Kind.YES_NO: {"eq": "is"},
    Kind.DAY: _TIMES | {"eq": "is", "ne": "is not"},
    Kind.MOMENT: _TIMES,
    Kind.LIST: {"has": "includes", "has_not": "does not include"},
    Kind.OBJECT: {},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a condition can be about. `options` are texts of a condition, with labels."""

    name: str
    label: str
    kind: Kind
    options: Mapping[str, str] | None = None
    may_be_empty: bool = False

    @property
    def comparisons(self) -> Mapping[str, str]:
        """What can be said of it."""
        found = COMPARISONS[self.kind]
        if not self.may_be_empty:
            return found
        if self.kind in (
            Kind.DAY,
            Kind.MOMENT,
        ):  # what an empty one counts as, only its author knows
            found = {key: label for key, label in found.items() if key not in SIZES}
        return {**found, **EMPTY}

    @property
    def adds(self) -> str:
        """What a total adds up; empty where it counts."""
        return self.name.removeprefix("sum(").removesuffix(")") if self.name != COUNT else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A field that is compared with values, written as a condition writes them.

    `begins` says that it begins another alternative: that an “or” stands before it. The rest is of
    totals: what they go by, over how long, and whether this run is added.
    """

    field: str
    comparison: str
    values: tuple[str, ...] = ()
    begins: bool = False
    by: tuple[str, ...] = ()
    number: int = 0
    unit: str = ""
    with_this: bool = False


class Fields:
    """All that a condition of a task can be about."""

    def __init__(self, declared: Sequence[Parameter]) -> None:
        self.declared = declared
        self._names = Names(declared)
        self._found = {field.name: field for field in self._of_task(declared)}

    def __getitem__(self, name: str) -> Field:
        return self._found[name]

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[Field]:
        return iter(self._found.values())

    @property
    def groupings(self) -> dict[str, str]:
        """What a total can go by, beside all runs of the task, with labels."""
        names = grouping_names(self.declared)
        found = {name: f"the same {self._names.grouping(name)}" for name in names}
        return {**found, "requester": "the same requester"}

    def _of_task(self, declared: Sequence[Parameter]) -> Iterator[Field]:
        meanings = meanings_of(declared)
        for name, kind in names_for(declared).items():
            field = self._field(name, kind, meanings)
            if field and field.comparisons and _can_differ(field):
                yield field
        for name in addends(declared):
            yield Field(f"sum({name})", f"Total {self._names.called(name)}", Kind.TOTAL)
        yield Field(COUNT, "Number of earlier requests", Kind.TOTAL)

    def _field(self, name: str, kind: Any, meanings: Meanings) -> Field | None:  # noqa: ANN401 - a type of rule-engine
        inner = kind.inner_type if kind.name == "NULLABLE" else kind
        label = self._label(name)
        how = self._kind(name, inner, meanings)
        if label is None or how is None:
            return None
        options = self._options(name, meanings) if how in (Kind.CHOICE, Kind.LIST) else None
        return Field(name, label, how, options, may_be_empty=inner is not kind)

    def _label(self, name: str) -> str | None:
        try:
            return _CIRCUMSTANCES.get(name) or large(self._names.called(name))
        except NoWords:
            return None

    def _kind(self, name: str, kind: Any, meanings: Meanings) -> Kind | None:  # noqa: ANN401 - as above
        type_name = kind.name
        if type_name == "ARRAY" and meanings[name].options() is None:
            return Kind.LIST if kind.value_type.name == "STRING" else None
        if meanings[name].model is not None:
            return Kind.OBJECT
        if type_name in ("FLOAT", "STRING") and meanings[name].options() is not None:
            return Kind.CHOICE
        if type_name == "DATETIME":
            return Kind.DAY if isinstance(self._names[name].kind, DateKind) else Kind.MOMENT
        return _KINDS.get(type_name)

    def _options(self, name: str, meanings: Meanings) -> Mapping[str, str] | None:
        options = meanings[name].options()
        labels = self._labels(name)
        if options is None:
            return None
        return {literal(each): str(labels.get(each, each)) for each in options}

    def _labels(self, name: str) -> Mapping[Any, Any]:
        if name in CIRCUMSTANCES:
            return dict(Door.choices) if name == "door" else {}
        kind = self._names[name].kind
        kind = kind.one if isinstance(kind, SeveralKind) else kind
        return kind.labels if isinstance(kind, ChoiceKind) else {}


_KINDS: Final = {
    "FLOAT": Kind.NUMBER, "STRING": Kind.TEXT, "BOOLEAN": Kind.YES_NO, "ARRAY": Kind.LIST,
}  # fmt: skip
_CIRCUMSTANCES: Final = {
    "requester": "Username of the requester",
    "requester_groups": "Groups of the requester",
    "door": "Requested via",
}


def _can_differ(field: Field) -> bool:
    """Whether a condition on it can be true for one run and false for another."""
    if field.options is None or field.may_be_empty:
        return True
    return len(field.options) > (0 if field.kind == Kind.LIST else 1)


def literal(value: object) -> str:
    """A value as a condition writes it."""
    if isinstance(value, str):
        return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f'd"{value:%Y-%m-%d}"' if _is_day(value) else f'd"{value:%Y-%m-%dT%H:%M}"'
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def typed(field: Field, text: str) -> str:
    """What a person typed for a field, as a condition writes it. Raises `ValidationError`."""
    text = text.strip()
    if not text:
        raise ValidationError("Enter a value.")
    match field.kind:
        case Kind.NUMBER | Kind.TOTAL:
            check_numbers(text)
            if not _NUMBER.fullmatch(text):
                raise ValidationError("Enter a number such as 1000.00.")
            return text
        case Kind.DAY | Kind.MOMENT:
            return literal(_moment(text))
    if not text.isprintable():
        raise ValidationError("Enter a text of one line.")
    return literal(text)


def shown(field: Field, value: str) -> str:
    """A value of a condition as a person types it."""
    if field.options is not None or field.kind == Kind.YES_NO:
        return value
    if field.kind in (Kind.DAY, Kind.MOMENT):
        return value[2:-1]
    return _UNESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


_UNESCAPED: Final = re.compile(r'\\(["\\])')


def written(parts: Sequence[Part], fields: Fields) -> str:
    """The text of a condition with these parts; `true` where there are none."""
    alternatives: list[list[str]] = []
    for part in parts:
        if part.begins or not alternatives:
            alternatives.append([])
        alternatives[-1].append(_written(part, fields))
    alone = len(alternatives) == 1
    texts = [
        f"({' and '.join(each)})" if len(each) > 1 and not alone else " and ".join(each)
        for each in alternatives
    ]
    return " or ".join(texts) or "true"


def _written(part: Part, fields: Fields) -> str:
    field = fields[part.field]
    name, value = field.name, part.values[0] if part.values else ""
    if field.kind == Kind.TOTAL:
        return f"{_total(part, field.adds, fields)} {SIGNS[part.comparison]} {value}"
    match part.comparison:
        case "empty" | "filled":
            return f"{name} {'==' if part.comparison == 'empty' else '!='} null"
        case "has" | "has_not":
            text = f"{value} in {name}"
            return text if part.comparison == "has" else f"not {text}"
        case "in" | "not_in":
            text = f"{name} in [{', '.join(part.values)}]"
            return text if part.comparison == "in" else f"not {text}"
    left = f"({name} ?? 0)" if field.may_be_empty and part.comparison in SIZES else name
    return f"{left} {SIGNS[part.comparison]} {value}"


def _total(part: Part, adds: str, fields: Fields) -> str:
    by = " and ".join(part.by or (ALL_RUNS,))
    unit = part.unit if part.number == 1 else f"{part.unit}s"
    text = f"{part.field} by {by} over {part.number} {unit}"
    if not (part.with_this and adds):
        return text
    may_be_empty = adds in fields and fields[adds].may_be_empty
    return f"{text} + ({adds} ?? 0)" if may_be_empty else f"{text} + {adds}"


def read(text: str, fields: Fields) -> list[Part] | None:
    """The parts of a condition; None for one that has none, or would not be written the same."""
    try:
        condition = Condition.of(text, fields.declared)
        form = form_of(condition.rule.statement.expression)
        parts = list(_parts(form, condition.sums, fields))
        if len(parts) <= MOST and _is_same(condition, form, written(parts, fields), fields):
            return parts
    except (rule_engine.errors.EngineError, ValidationError, NoWords, KeyError):
        pass
    return None


def _is_same(condition: Condition, form: Form, text: str, fields: Fields) -> bool:
    again = Condition.of(text, fields.declared)
    sums = [[(each.of, each.by, each.over) for each in c.sums.values()] for c in (condition, again)]
    return form_of(again.rule.statement.expression) == form and sums[0] == sums[1]


def _parts(form: Form, sums: Mapping[str, Sum], fields: Fields) -> Iterator[Part]:
    if isinstance(form, Always):
        return
    for number, alternative in enumerate(_joined("or", form)):
        for place, each in enumerate(_joined("and", alternative)):
            part = _part(each, sums, fields)
            yield replace(part, begins=number > 0 and place == 0)


def _joined(word: str, form: Form) -> Sequence[Form]:
    return form.parts if isinstance(form, Joined) and form.word == word else [form]


def _part(form: Form, sums: Mapping[str, Sum], fields: Fields) -> Part:
    """Raises `NoWords`, and `KeyError` for what is none of the fields."""
    match form:
        case Compared(name) if is_sum(name):
            return _part_of_total(form, sums[name], fields)
        case Compared(name, operator, None):
            return Part(name, {"eq": "empty", "ne": "filled"}[operator])
        case Compared(name, operator, value):
            if form.default not in (None, Decimal(0)):
                raise NoWords
            return _allowed(Part(name, operator, (literal(value),)), fields)
        case OneOf(name, values, holds):
            each = tuple(map(literal, values))
            return _allowed(Part(name, "in" if holds else "not_in", each), fields)
        case Contains(name, value, holds):
            return _allowed(Part(name, "has" if holds else "has_not", (literal(value),)), fields)
    raise NoWords


def _part_of_total(form: Compared, each: Sum, fields: Fields) -> Part:
    if form.adds not in (None, each.of):
        raise NoWords
    number, unit = each.span.split()
    by = tuple(name for name in each.by if name != ALL_RUNS)
    name = f"sum({each.of})" if each.of else COUNT
    value = (literal(form.value),)
    with_this = form.adds is not None
    part = Part(
        name, form.operator, value, False, by, int(number), unit.removesuffix("s"), with_this
    )
    return _allowed(part, fields)


def _allowed(part: Part, fields: Fields) -> Part:
    """Raises `NoWords` for what no form offers."""
    field = fields[part.field]
    if part.comparison not in field.comparisons:
        raise NoWords
    if field.options is not None and not set(part.values) <= set(field.options):
        raise NoWords
    return part


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text) if "T" in text else _midnight(date.fromisoformat(text))
    except ValueError:
        raise ValidationError("Enter a date such as 2026-01-31.") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - written without a zone: UTC


def _is_day(at: datetime) -> bool:
    return (at.hour, at.minute) == (0, 0)
