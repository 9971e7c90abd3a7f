"""Guards: what the database refuses, whoever writes. Each stands in an SQL file of its own.

A migration ends with `*guards(__file__, "tasks_run", ...)`, which runs guards/tasks_run.sql from the
folder beside it: one file for each guarded table, its promises in words on top. Such a file is part of
its migration, and is not edited once that is released: a later migration brings another file, named
after the table and that migration (tasks_run_0007.sql), with CREATE OR REPLACE.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation

_TRIGGER: Final = re.compile(r"^CREATE (?:CONSTRAINT )?TRIGGER (\w+)[^;]*? ON (\w+)", re.MULTILINE)
_FUNCTION: Final = re.compile(r"^CREATE FUNCTION (\w+)\(", re.MULTILINE)


def guards(migration: str, *names: str) -> list[Operation]:
    """Migration operations that run these files, and on the way back drop what they create."""
    return [guard(guard_file(migration, name)) for name in names]


def guard(sql: str) -> RunSQL:
    return RunSQL(sql, "\n".join(_dropped(sql)))


def guard_file(migration: str, name: str) -> str:
    return Path(migration).with_name("guards").joinpath(f"{name}.sql").read_text()


def _dropped(sql: str) -> Iterator[str]:
    for trigger, table in reversed(_TRIGGER.findall(sql)):
        yield f"DROP TRIGGER {trigger} ON {table};"
    for function in reversed(_FUNCTION.findall(sql)):
        yield f"DROP FUNCTION {function};"
