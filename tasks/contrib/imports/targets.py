"""Where the rows of an import go: a model, and what tells one of its rows from another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from tasks.contrib.imports.layouts import Layout
from tasks.parameters.currencies import PLACES

type Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Into:
    """A model, each of whose rows stands for one line of a file.

    model     its columns are written by COPY: signals, `save` and histories of it do not take part
    key       fields of a layout that name one row for ever, within the scope
    scope     parameters of the task that are fields of the model as well, such as ("account",)
    layout    the field that keeps the name of the layout, which is part of the scope; "" for none
    money     the field of an amount, with the field that has its currency
    among     what the model's rows are compared with, beside the scope: {"standing": True}
    check     called with a row as a dict; gives (field, what was expected), or None where it is right
    """

    model: type[models.Model]
    key: Sequence[str]
    scope: Sequence[str] = ()
    layout: str = ""
    money: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    among: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    check: Callable[[Mapping[str, Any]], tuple[str, str] | None] | None = None

    def field(self, name: str) -> "models.Field[Any, Any]":
        """A field of the model. Raises FieldDoesNotExist."""
        found = self.model._meta.get_field(name)
        if not isinstance(found, models.Field):
            raise FieldDoesNotExist(f"{self.model.__name__}.{name} is no column.")
        return found

    def fields(self, layout: Layout) -> tuple[str, ...]:
        """The fields that a row of this layout fills, those of the key first."""
        named = [*layout.columns, *layout.always]
        return (*self.key, *(name for name in named if name not in self.key))

    def of_scope(self, layout: Layout, values: Mapping[str, Any]) -> dict[str, Any]:
        """What every row of an import shares with the rows that it is compared with."""
        shared = {name: values[name] for name in self.scope}
        return shared | ({self.layout: layout.name} if self.layout else {})

    def problems(self, layout: Layout) -> Iterator[str]:
        """What of a layout does not fit the model, in sentences."""
        names = (*self.fields(layout), *self.scope, *filter(None, [self.layout]))
        unknown = [name for name in names if not self._has(name)]
        for name in unknown:
            yield f"{self.model.__name__} has no field {name!r}."
        if unknown:
            return
        lost = [n for n in self.key if n not in layout.columns and n not in layout.always]
        if len(lost) > 1 or any(not isinstance(self.field(n), models.CharField) for n in lost):
            yield f"The layout {layout.name} has no column for the key {', '.join(lost)}."
        yield from self._problems_of_money(layout)

    def _problems_of_money(self, layout: Layout) -> Iterator[str]:
        for amount, currency in self.money.items():
            if layout.always.get(currency, "USD") not in PLACES:
                code = layout.always[currency]
                yield f"The layout {layout.name} has an unknown currency, {code!r}."
            if amount in layout.columns and currency not in self.fields(layout):
                yield f"The layout {layout.name} does not say the currency of {amount}."

    def _has(self, name: str) -> bool:
        try:
            self.field(name)
        except FieldDoesNotExist:
            return False
        return True
