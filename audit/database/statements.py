"""Queries whose SQL is made once and asked often.

Django makes the text of a query anew each time, which takes longer than PostgreSQL needs to answer
it. What is asked for each run is made once in each process: a fact of the code. What it finds is
asked of the database each time.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

from audit.database.prepared import keeping_cursor

type Rows = list[Sequence[Any]]


class Given(Expression):
    """A place in a query for what it is asked with, by name."""

    def __init__(self, name: str, output_field: "models.Field[Any, Any] | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # noqa: ANN401
        """A placeholder, and this very object among the values."""
        return "%s", [self]


class Statement[M: models.Model]:
    """The query of a queryset, with places that `Given` leaves open in it.

    `make` gives the queryset, when something is asked for the first time. It may join with
    `select_related`; what it prefetches is not fetched.
    """

    def __init__(self, make: "Callable[[], models.QuerySet[M, Any]]") -> None:
        self._make = make

    def first(self, **given: object) -> M | None:
        """The first object, for these values."""
        return next(self._objects(given), None)

    def get(self, **given: object) -> M:
        """The same where it has to be there. Raises `ObjectDoesNotExist`."""
        if (found := self.first(**given)) is None:
            raise ObjectDoesNotExist(f"There is no {self._shape[0]._meta.verbose_name}: {given}")
        return found

    def rows(self, **given: object) -> Rows:
        """The rows of a queryset of `values_list`, for these values."""
        return list(self._converted(given))

    def any(self, **given: object) -> bool:
        """Whether there is a row, for these values."""
        return bool(self._asked(given))

    @cached_property
    def _made(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        compiler = self._make().query.get_compiler(DEFAULT_DB_ALIAS)
        text, places = compiler.as_sql()
        return compiler, text, tuple(places)

    def _asked(self, given: dict[str, object]) -> Rows:
        _, text, places = self._made
        values: list[Any] = [
            given[each.name] if isinstance(each, Given) else each for each in places
        ]
        with keeping_cursor() as cursor:
            cursor.execute(text, values)
            return list(cursor.fetchall())

    def _converted(self, given: dict[str, object]) -> Iterator[Sequence[Any]]:
        """The rows, with the values that their fields make of what the database gives."""
        return self._made[0].apply_converters(self._asked(given), self._converters)

    @cached_property
    def _converters(self) -> dict[int, Any]:
        compiler, _, _ = self._made
        return compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]])

    def _objects(self, given: dict[str, object]) -> Iterator[M]:
        """As a queryset makes them of its rows."""
        compiler, _, _ = self._made
        model, names, related = self._shape
        for row in self._converted(given):
            made = model.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)])
            for each in related:
                each.populate(row, made)
            for name, position in compiler.annotation_col_map.items():
                setattr(made, name, row[position])
            yield made

    @cached_property
    def _shape(self) -> tuple[type[M], list[str], list[Any]]:
        """The model, the fields that come first in each row, and who makes the objects that follow."""
        compiler, _, _ = self._made
        info, select = compiler.klass_info, compiler.select
        names = [select[position][0].target.attname for position in info["select_fields"]]
        related = get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        return info["model"], names, related
