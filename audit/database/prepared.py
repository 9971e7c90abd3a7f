"""Statements that PostgreSQL keeps ready: parsed once on each connection, and soon planned once.

For what is asked for each run. Planning it took PostgreSQL longer than answering it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connections
from django.db.backends.signals import connection_created

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

KEPT_AFTER: Final = 3  # times that a statement was asked on one connection


def listen() -> None:
    """Look at each new connection."""
    connection_created.connect(allow_keeping)


def allow_keeping(connection: "BaseDatabaseWrapper", **_: object) -> None:
    """Let a new connection keep statements, where one session of the server answers all of it.

    Behind a pooler such as PgBouncer another session may answer next time, and would not know them.
    A pooler says a process id of its own in the greeting, which is not that of who answers.
    """
    raw: Any = connection.connection
    with raw.cursor() as cursor:
        (answers,) = cursor.execute("SELECT pg_backend_pid()").fetchone()
    raw.prepare_threshold = KEPT_AFTER if answers == raw.info.backend_pid else None


@contextmanager
def keeping_cursor(using: str = DEFAULT_DB_ALIAS) -> "Iterator[CursorWrapper]":
    """A cursor whose statements are sent apart from their values, and kept where that is allowed.

    A value has no type but the one that its place in the statement gives it: `%s::inet`.
    """
    connection: Any = connections[using]
    connection.ensure_connection()
    raw = connection.connection
    usual, raw.cursor_factory = raw.cursor_factory, psycopg.Cursor
    try:
        cursor = connection.cursor()
    finally:
        raw.cursor_factory = usual
    try:
        with cursor:
            yield cursor
    except NotSupportedError:
        # A migration changed a column under a kept statement. It is asked anew from now on.
        raw.prepare_threshold = None
        raise
