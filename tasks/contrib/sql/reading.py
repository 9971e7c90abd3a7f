"""Run one query so that it changes nothing and holds nothing up, whatever its text says.

What protects is not a look at the text: a role that can only read; a connection of its own, closed
at the end; a read-only transaction, fixed by a first statement; a named cursor, which the server
makes of one SELECT and of nothing else; and a deadline from outside. docs/how-to/sql-look-ups.md
says what each is for.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import Connection, RawServerCursor
from psycopg.pq import ExecStatus

CONNECT_SECONDS: Final = 5
GRACE_SECONDS: Final = 2  # from the request to cancel to the end of the connection
CELLS_AT_ONCE: Final = 1000
TIME_IS_OVER: Final = "The time was over."
LONGEST_CELL: Final = 10_000  # characters
MOST_CHARACTERS: Final = 3_000_000  # of a result
# By number: what psycopg turns into numbers, times and the like. Everything else comes as text.
_AS_IT_IS: Final = frozenset({16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1700, 2950})


class ReturnsNothing(Exception):
    """A text that is no query: it has no columns."""


@dataclass(slots=True)
class Result:
    """The rows, and what was left out of them."""

    columns: list[str]
    rows: list[list[Any]] = field(default_factory=list)
    more_rows: bool = False
    too_large: bool = False
    cut_cells: int = 0


class Deadline:
    """Ends what a connection does after so many seconds, whatever the query has set or caught."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._done = threading.Event()
        self.is_over = False

    def __enter__(self) -> "Deadline":
        threading.Thread(target=self._watch, name="deadline of a look-up", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _watch(self) -> None:
        if self._done.wait(self._seconds):
            return
        self.is_over = True
        with suppress(psycopg.Error, OSError):
            self._connection.cancel_safe(timeout=GRACE_SECONDS)
        if not self._done.wait(GRACE_SECONDS):
            self._hang_up()

    def _hang_up(self) -> None:
        with (
            suppress(psycopg.Error, OSError),
            socket.socket(fileno=os.dup(self._connection.fileno())) as end,
        ):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def connected(
    address: str, *, seconds: float, patience: int = CONNECT_SECONDS
) -> Iterator[Connection]:
    """A connection in a read-only transaction that ends with it. psycopg.OperationalError."""
    connection = psycopg.connect(
        address,
        connect_timeout=patience,
        application_name="backoffice look-up",
        prepare_threshold=None,
    )
    try:
        connection.read_only = True
        connection.execute(_first_statement(connection), _limits(seconds))
        yield connection
    finally:
        connection.close()  # with everything that the session held, such as advisory locks


def _first_statement(connection: Connection) -> str:
    """After any query no other one can make the transaction writable. It is the limits' own.

    The server's are a second line: a query can change them.
    """
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    if connection.info.server_version >= 170000:
        names.append("transaction_timeout")
    return "SELECT " + ", ".join(f"set_config('{name}', %({name})s, true)" for name in names)


def _limits(seconds: float) -> dict[str, str]:
    statement = int(seconds * 1000)
    return {
        "statement_timeout": str(statement),
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": str(statement + 5000),
        "transaction_timeout": str(statement + 2000),  # equal limits would switch off the first
    }


def described(connection: Connection, text: str) -> list[tuple[str, int]]:
    """The columns of a query with the numbers of their types. Nothing of it is run.

    psycopg.Error where the server does not understand it; ReturnsNothing for what is no query.
    """
    for answer in (
        connection.pgconn.prepare(b"", text.encode()),
        connection.pgconn.describe_prepared(b""),
    ):
        if answer.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(answer, encoding="utf-8")
    if not answer.nfields:
        raise ReturnsNothing
    return [((answer.fname(at) or b"").decode(), answer.ftype(at)) for at in range(answer.nfields)]


def read(
    address: str, text: str, values: Sequence[Any], *, max_rows: int, seconds: float
) -> Result:
    """The result of one query, within all limits. An error has a note where the time was over.

    psycopg.Error where the server refuses it or the time is over; ReturnsNothing.
    """
    with (
        connected(address, seconds=seconds) as connection,
        Deadline(connection, seconds) as deadline,
    ):
        try:
            return _read(connection, text, values, max_rows)
        except psycopg.Error as error:
            if deadline.is_over:
                error.add_note(TIME_IS_OVER)
            raise


def _read(connection: Connection, text: str, values: Sequence[Any], max_rows: int) -> Result:
    columns = described(connection, text)
    result = Result([name for name, _ in columns])
    at_once = max(1, CELLS_AT_ONCE // len(columns))
    with RawServerCursor(connection, "look_up", scrollable=False) as cursor:
        cursor.execute(_bounded(text, columns), values)
        left = MOST_CHARACTERS
        while rows := cursor.fetchmany(at_once):
            for row in rows:
                cells, size = _cells(row, result)
                left -= size
                if len(result.rows) == max_rows or left < 0:
                    result.more_rows, result.too_large = True, left < 0
                    return result
                result.rows.append(cells)
    return result


def _bounded(text: str, columns: Sequence[tuple[str, int]]) -> str:
    """The query with texts cut by the server: a cell of a gigabyte never gets here."""
    names = [f"c{at}" for at in range(len(columns))]
    cells = [
        name if number in _AS_IT_IS else f"left({name}::text, {LONGEST_CELL + 1})"
        for name, (_, number) in zip(names, columns, strict=True)
    ]
    return f"SELECT {', '.join(cells)} FROM (\n{text}\n) AS look_up({', '.join(names)})"  # noqa: S608 - the author's


def _cells(row: Sequence[Any], result: Result) -> tuple[list[Any], int]:
    """The cells as they are kept, and how many characters they have."""
    cells, size = [], 0
    for cell in row:
        if isinstance(cell, str) and len(cell) > LONGEST_CELL:
            result.cut_cells += 1
            cell = f"{cell[:LONGEST_CELL]}…"
        size += len(cell) if isinstance(cell, str) else len(str(cell))
        cells.append(cell)
    return cells, size


def writes(connection: Connection) -> str:
    """Why the role of a connection is none for look-ups: what it can change. Empty where it is one."""
    row = connection.execute(_WRITES).fetchone()
    name, is_superuser, table = row or ("", False, None)
    if is_superuser:
        return f"the role {name} is a superuser"
    return f"the role {name} can write to {table}" if table else ""


_WRITES: Final = """
    SELECT current_user, rolsuper, (
        SELECT oid::regclass::text FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'f') AND relnamespace::regnamespace::text NOT LIKE 'pg\\_%'
          AND relnamespace <> 'information_schema'::regnamespace
          AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
        LIMIT 1)
    FROM pg_roles WHERE rolname = current_user
"""


def addresses() -> Mapping[str, str]:
    """The databases that look-ups can name, with their addresses."""
    from django.conf import settings

    found: Mapping[str, str] = settings.LOOKUP_DATABASES
    return found
