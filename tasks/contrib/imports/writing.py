"""Writes rows by COPY, some thousand in one transaction, which a run keeps as one step."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models, router

from tasks.contrib.imports.comparing import compare
from tasks.contrib.imports.reading import Reading
from tasks.contrib.imports.targets import Into, Row
from tasks.declaration.errors import Refused
from tasks.locks import hold


def write_part(
    reading: Reading, into: Into, scope: Mapping[str, Any], same: Mapping[str, Any]
) -> int:
    """Write the rows that are not there yet, and say how many. Called in a transaction.

    `same` is what every row gets beside its own values. Of two imports into one model the second
    waits here, and then finds what the first has written. Raises Refused where a row is there with
    other values: it is never overwritten.
    """
    hold(f"import:{into.model._meta.db_table}")
    found = compare(reading, into, scope)
    if found.changed:
        raise Refused(
            f"Row {found.changed[0].row} was imported with other values meanwhile. Nothing of this "
            "part was written."
        )
    values = _columns(into, scope, same, reading.fields)
    rows = [reading.rows[at] for at in found.new]
    _copy(into.model, [*reading.fields, *values], rows, tuple(values.values()))
    return len(rows)


def _columns(
    into: Into, scope: Mapping[str, Any], same: Mapping[str, Any], own: Sequence[str]
) -> dict[str, Any]:
    """What every row has in common, by field: COPY knows no defaults of Django's."""
    given = {**into.among, **scope, **same}
    for each in into.model._meta.concrete_fields:
        if each.name not in given and each.name not in own and _has_plain_default(each):
            given[each.name] = each.get_default()
    return {name: getattr(value, "pk", value) for name, value in given.items()}


def _has_plain_default(field: "models.Field[Any, Any]") -> bool:
    return not field.primary_key and (field.has_default() or (field.blank and not field.null))


def _copy(model: type[models.Model], names: Sequence[str], rows: Sequence[Row], same: Row) -> None:
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(model._meta.get_field(name).column)) for name in names)  # type: ignore[union-attr]
    # Its errors are Django's then, and say by which connection they came.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        # Names of the model's own, none of anybody's input.
        statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row((*row, *same))
