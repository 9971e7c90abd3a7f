"""Lists whose columns can be sorted, with the amount of money among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.db.models import Func, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import QueryDict

SORTED: Final = 10_000  # so many of the newest rows: to sort more takes longer than anybody waits
PARAMETER: Final = "sort"
_MONEY: Final = (
    r'$.* ? (@.amount like_regex "^-?[0-9]{1,20}([.][0-9]{1,12})?$" '
    r'&& @.currency like_regex "^[A-Z]{3}$")'
)


class _Exact(models.DecimalField):  # type: ignore[type-arg]
    """A number of the database that is not rounded."""

    def db_type(self, connection: object) -> str:
        return "numeric"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a list can be sorted by: by these fields, one after the other.

    `largest_first` says in which direction the first click sorts it.
    """

    key: str
    label: str
    by: Sequence[Any]
    is_number: bool = False
    largest_first: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column: where it leads, and how the list is sorted by it now.

    `sorted` is “ascending”, “descending”, or empty for any other column.
    """

    label: str
    address: str
    sorted: str
    is_number: bool


class Sorting:
    """How a list is sorted, as its address says: `?sort=amount`, or `?sort=-amount` from the top."""

    def __init__(self, columns: Sequence[Column], query: QueryDict) -> None:
        self._columns = {column.key: column for column in columns}
        self._query = query
        asked = query.get(PARAMETER, "")
        self.column = self._columns.get(asked.removeprefix("-"))
        self.falls = asked.startswith("-")

    def apply[Row: models.Model](self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows in this order; in their own where none is asked for, or one that is not there.

        Only the first 10,000 in their own order are sorted.
        """
        if self.column is None:
            return rows
        first = rows.values("pk")[:SORTED]
        found = rows.model._default_manager.filter(pk__in=first)
        order = [_ordered(each, falls=self.falls) for each in self.column.by]
        return found.order_by(*order, "-pk" if self.falls else "pk")

    def headings(self) -> Iterator[Heading]:
        """The heads of all columns."""
        for column in self._columns.values():
            is_this = column is self.column
            falls = not self.falls if is_this else column.largest_first
            query = self._query.copy()
            query.pop("page", None)
            query[PARAMETER] = f"-{column.key}" if falls else column.key
            now = ("descending" if self.falls else "ascending") if is_this else ""
            yield Heading(column.label, f"?{query.urlencode()}", now, column.is_number)


def money_in(field: str) -> Func:
    """The first amount of money among the values of a JSON field; None where there is none."""
    return Func(
        field,
        Cast(Value(_MONEY), _JsonPath()),
        function="jsonb_path_query_first",
        output_field=models.JSONField(),
    )


def by_money(field: str) -> tuple[Any, ...]:
    """What a list is sorted by for the amounts in a JSON field: per currency, then by amount."""
    money = money_in(field)
    return KeyTextTransform("currency", money), Cast(KeyTextTransform("amount", money), _Exact())


class _JsonPath(models.Field):  # type: ignore[type-arg]
    def db_type(self, connection: object) -> str:
        return "jsonpath"


def _ordered(by: Any, *, falls: bool) -> OrderBy:  # noqa: ANN401 - a name or an expression
    expression = models.F(by) if isinstance(by, str) else by
    return OrderBy(expression, descending=falls, nulls_last=True)
