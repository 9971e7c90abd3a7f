"""What only the owner of the tables can do: write behind the guards of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def guards_that_can_be_passed(*tables: str) -> Iterator[None]:
    """Let the guards of these tables stand for everybody but a session that plays replica."""
    guards = guards_of(*tables)
    switch(guards, "ENABLE")
    try:
        yield
    finally:
        switch(guards, "ENABLE ALWAYS")


@contextmanager
def without_guards(*tables: str) -> Iterator[None]:
    """Switch the guards of these tables off, and all of them on again."""
    guards = guards_of(*tables)
    assert guards
    with connection.cursor() as cursor:
        # A table with constraints still to be checked cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    switch(guards, "DISABLE")
    try:
        yield
    finally:
        switch(guards, "ENABLE ALWAYS")


def behind_the_guards(statement: str, values: dict[str, Any]) -> None:
    """Run one statement that no guard sees, in a transaction of its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)


def guards_of(*tables: str) -> list[tuple[str, str]]:
    """Table and name of each trigger that holds for everybody, whatever a session says of itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger"
            " WHERE tgenabled = 'A' AND tgrelid::regclass::text = ANY(%s)",
            [list(tables)],
        )
        return list(cursor.fetchall())


def switch(guards: list[tuple[str, str]], how: str) -> None:
    """`how` is ENABLE, ENABLE ALWAYS or DISABLE."""
    with connection.cursor() as cursor:
        for table, guard in guards:
            cursor.execute(f"ALTER TABLE {table} {how} TRIGGER {guard}")
