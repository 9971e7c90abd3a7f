"""What Django calls after each test with transactions of its own: the database is as before it.

Django's own command empties every table, 150 of them, and has everything that follows a migration made
anew: 1 to 2 seconds. This one empties those that were written to, and puts back what stood there.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.core.management.commands import flush
from django.db import connections
from django.db.backends.utils import CursorWrapper

from tests.owner import guards_of, switch

# Rows that are there before the first test are kept here.
KEPT: Final = "kept_for_tests"

# The size of a table's file grows with its first row, and only emptying the table makes it nothing again.
TABLES: Final = """
    SELECT oid::regclass::text, pg_relation_size(oid) > 0 FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
REFERENCES: Final = """
    SELECT DISTINCT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""
MARKS: Final = "SELECT count(*), sum(hashtextextended(row::text, 0)) FROM {table} row"


class Command(flush.Command):
    help = "Put the tests' database back to what it was before the first test."

    def handle(self, **options: Any) -> None:
        with connections[options["database"]].cursor() as cursor:
            reset(cursor)


class Before:
    """What the database was before the first test. Filled once in each process."""

    marks: dict[str, tuple[object, ...]] = {}  # of the tables that had rows
    references: dict[str, set[str]] = {}  # table -> those that refer to it


def remember(cursor: CursorWrapper) -> None:
    """Called once, when the database has been made."""
    cursor.execute(f"DROP SCHEMA IF EXISTS {KEPT} CASCADE")
    cursor.execute(f"CREATE SCHEMA {KEPT}")
    filled = [table for table, is_filled in _tables(cursor) if is_filled]
    for table in filled:
        cursor.execute(f"CREATE TABLE {KEPT}.rows_of_{table} AS TABLE {table}")
    Before.marks = {table: _marks(cursor, table) for table in filled}
    cursor.execute(REFERENCES)
    for table, referring in cursor.fetchall():
        Before.references.setdefault(table, set()).add(referring)


def reset(cursor: CursorWrapper) -> None:
    written = [
        table for table, is_filled in _tables(cursor) if is_filled and _differs(cursor, table)
    ]
    emptied = _with_referring(written)
    if not emptied:
        return
    cursor.execute(f"TRUNCATE {', '.join(sorted(emptied))}")
    back = [table for table in sorted(emptied) if table in Before.marks]
    for table in back:
        _put_back(cursor, table)


def _tables(cursor: CursorWrapper) -> Sequence[tuple[str, bool]]:
    cursor.execute(TABLES)
    return cursor.fetchall()


def _marks(cursor: CursorWrapper, table: str) -> tuple[object, ...]:
    cursor.execute(MARKS.format(table=table))
    return tuple(cursor.fetchone())


def _differs(cursor: CursorWrapper, table: str) -> bool:
    return table not in Before.marks or Before.marks[table] != _marks(cursor, table)


def _with_referring(tables: Sequence[str]) -> set[str]:
    """These, and all that PostgreSQL wants to be emptied together with them."""
    found: set[str] = set()

    def add(table: str) -> None:
        if table not in found:
            found.add(table)
            for referring in Before.references.get(table, ()):
                add(referring)

    for table in tables:
        add(table)
    return found


def _put_back(cursor: CursorWrapper, table: str) -> None:
    """Behind the triggers, which would write down another time or refuse the row."""
    guards = guards_of(table)
    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    cursor.execute(f"INSERT INTO {table} TABLE {KEPT}.rows_of_{table}")
    cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    switch(guards, "ENABLE ALWAYS")
