"""Queries whose SQL is made once and asked often.

Django makes the text of a query anew each time, which takes longer than PostgreSQL needs to answer
it. What is asked for each run is made once in each process: a fact of the code. What it finds is
asked of the database each time.

All of it is what Django documents: `execute_wrapper`, `values_list`, `from_db`, `from_db_value`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from itertools import islice
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connection, models

from audit.database.prepared import keeping_cursor

type Rows = list[Sequence[Any]]
type Field = models.Field[Any, Any]


class Given(models.Expression):
    """A place in a query for what it is asked with, by name."""

    def __init__(self, name: str, output_field: "Field | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: object, connection: object) -> tuple[str, tuple[Any, ...]]:
        """A placeholder, and this very object among the values."""
        return "%s", (self,)


class Statement:
    """The columns of a queryset, with places that `Given` leaves open in it.

    `make` gives the queryset, when something is asked for the first time. Django answers that one
    itself, and what it sends is kept. What is annotated comes as psycopg gives it.
    """

    def __init__(
        self, make: "Callable[[], models.QuerySet[Any, Any]]", *columns: str, lock: bool = False
    ) -> None:
        self._make, self._named, self._lock = make, columns, lock
        self._sent: tuple[str, tuple[Any, ...]] | None = None

    def rows(self, **given: object) -> Rows:
        """The rows, for these values."""
        if self._sent is None:
            return self._asked_by_django(given)
        text, places = self._sent
        with keeping_cursor() as cursor:
            cursor.execute(text, _filled(places, given))
            return [self._converted(row) for row in cursor.fetchall()]

    def any(self, **given: object) -> bool:
        """Whether there is a row, for these values."""
        return bool(self.rows(**given))

    def _asked_by_django(self, given: dict[str, object]) -> Rows:
        def keep(execute: Any, text: str, places: Sequence[Any], *rest: Any) -> Any:  # noqa: ANN401
            text += self._ending
            self._sent = text, tuple(places)
            return execute(text, _filled(places, given), *rest)

        rows: Any = self._queryset.values_list(*self._columns)
        with connection.execute_wrapper(keep):
            return list(rows)

    @cached_property
    def _queryset(self) -> "models.QuerySet[Any, Any]":
        return self._make()

    @cached_property
    def _columns(self) -> Sequence[str]:
        return self._named

    @property
    def _model(self) -> type[models.Model]:
        return self._queryset.model

    @property
    def _ending(self) -> str:
        """Which rows are locked. Django does not say it of a queryset of columns."""
        return f' FOR UPDATE OF "{self._model._meta.db_table}"' if self._lock else ""

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        """A row with the values that its fields make of what the database gives."""
        values = list(row)
        for position, convert, column in self._converters:
            values[position] = convert(values[position], column, connection)
        return values

    @cached_property
    def _converters(self) -> list[tuple[int, Callable[..., Any], models.F]]:
        return [
            (position, field.from_db_value, models.F(column))
            for position, column in enumerate(self._columns)
            if hasattr(field := _field_of(self._model, column), "from_db_value")
        ]


class ObjectStatement[M: models.Model](Statement):
    """The objects of a queryset, with places that `Given` leaves open in it.

    `joined` names the objects that come with each, and `annotated` what the queryset annotates.
    `lock` locks the rows of the objects, and not of those that come with them.
    """

    def __init__(
        self,
        make: "Callable[[], models.QuerySet[M, Any]]",
        *,
        joined: Sequence[str] = (),
        annotated: Sequence[str] = (),
        lock: bool = False,
    ) -> None:
        super().__init__(make, lock=lock)
        self._joined, self._annotated = joined, annotated

    def first(self, **given: object) -> M | None:
        """The first object, for these values."""
        rows = self.rows(**given)
        return self._object(rows[0]) if rows else None

    def get(self, **given: object) -> M:
        """The same where it has to be there. Raises `ObjectDoesNotExist`."""
        if (found := self.first(**given)) is None:
            name = self._model._meta.verbose_name
            raise ObjectDoesNotExist(f"There is no {name}: {given}")
        return found

    @cached_property
    def _columns(self) -> Sequence[str]:
        joined = [f"{name}__{each}" for name, model in self._models for each in _names(model)]
        return [*_names(self._model), *joined, *self._annotated]

    @cached_property
    def _models(self) -> list[tuple[str, type[models.Model]]]:
        return [(name, _joined_to(self._model, name)) for name in self._joined]

    def _object(self, row: Sequence[Any]) -> M:
        """As a queryset makes it of its row."""
        values = iter(row)
        made: Any = _next_object(self._model, values)
        for name, model in self._models:
            setattr(made, name, _next_object(model, values))
        for name in self._annotated:
            setattr(made, name, next(values))
        return made  # type: ignore[no-any-return]


def _filled(places: Sequence[Any], given: dict[str, object]) -> list[Any]:
    return [given[each.name] if isinstance(each, Given) else each for each in places]


@cache
def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _joined_to(model: type[models.Model], name: str) -> type[models.Model]:
    joined: Any = model._meta.get_field(name).related_model
    return joined  # type: ignore[no-any-return]


def _field_of(model: type[models.Model], column: str) -> object:
    """The field of a column such as `user__email`. None for what is annotated."""
    *joins, name = column.split("__")
    for join in joins:
        model = _joined_to(model, join)
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _next_object(model: type[models.Model], values: Iterator[Any]) -> models.Model | None:
    """The object of the values that come next. None where the join found no row."""
    names = _names(model)
    own = list(islice(values, len(names)))
    if own[names.index(model._meta.pk.attname)] is None:
        return None
    return model.from_db(DEFAULT_DB_ALIAS, names, own)
