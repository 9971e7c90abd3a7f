"""The worker's database connections: each run finds them as they were made, whatever ran before it.

A task can do anything to them: a raw BEGIN, SET search_path, a temporary table that has the name of ours.
What it leaves behind would fail every run after it, in a worker that lives and looks well.
"""

import logging
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

logger = logging.getLogger(__name__)

SETTINGS: Final = (
    "search_path", "session_replication_role", "row_security", "TimeZone", "DateStyle",
    "IntervalStyle", "client_encoding", "standard_conforming_strings", "bytea_output",
    "default_transaction_read_only", "default_transaction_isolation",
    "default_transaction_deferrable", "statement_timeout", "lock_timeout",
    "idle_in_transaction_session_timeout",
)  # fmt: skip
# One statement, because it is asked after each run. Locks of the session are given back by it.
STATE: Final = f"""
SELECT pg_advisory_unlock_all()::text, concat_ws(', ', current_user, pg_my_temp_schema()::text,
    {", ".join(f"current_setting('{name}')" for name in SETTINGS)})
"""

# How each connection was when it was made.
_made: Final[WeakKeyDictionary[Any, str]] = WeakKeyDictionary()


class Sessions:
    """The connections of this thread, looked at before and after an author's code.

    `lost` says in a sentence what was rolled back with a connection, or nothing.
    """

    def __init__(self) -> None:
        self.lost = ""
        connection_created.connect(_remember, dispatch_uid="tasks.worker.sessions")
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None and connection.connection not in _made:
                _remember(connection)
        # Those of a test, which has a transaction around everything.
        self._ours = [each for each in connections.all() if not each.in_atomic_block]

    def restore(self) -> None:
        """Replace those that are not as they were made."""
        for connection in self._ours:
            self.lost = _restored(connection) or self.lost

    def replace(self) -> None:
        """Replace all of them."""
        for connection in self._ours:
            _replace(connection)


def is_open(connection: BaseDatabaseWrapper) -> bool:
    """Whether what is written on it now would not be committed at once. Asks the server nothing.

    Without autocommit a transaction begins with the next statement, so both switches are asked.
    """
    if connection.in_atomic_block or connection.connection is None:
        return connection.in_atomic_block
    raw: Any = connection.connection
    if not connection.get_autocommit() or not getattr(raw, "autocommit", True):
        return True
    return _has_open_transaction(connection)


def _remember(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor == "postgresql":
        with suppress(psycopg.Error):  # then it is replaced after the run
            _made[connection.connection] = _state(connection.connection)


def _state(raw: Any) -> str:  # noqa: ANN401 - psycopg's, whatever its rows
    with psycopg.Cursor(raw) as cursor:
        row = cursor.execute(STATE).fetchone()
    return str(row[1]) if row else ""


def _restored(connection: BaseDatabaseWrapper) -> str:
    if connection.connection is None:
        return ""
    open_transaction = _has_open_transaction(connection)
    if not open_transaction and _is_as_made(connection):
        return ""
    logger.warning(
        "The task left its connection to “%s” in another state. It is replaced.", connection.alias
    )
    _replace(connection)
    return (
        f"It left a transaction open in the database “{connection.alias}”. What it wrote there was "
        "rolled back."
        if open_transaction
        else ""
    )


def _has_open_transaction(connection: BaseDatabaseWrapper) -> bool:
    if connection.in_atomic_block or connection.vendor != "postgresql":
        return connection.in_atomic_block
    status = connection.connection.info.transaction_status
    return status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)


def _is_as_made(connection: BaseDatabaseWrapper) -> bool:
    if not connection.get_autocommit():
        return False
    if connection.vendor != "postgresql":
        return True
    raw: Any = connection.connection
    if not raw.autocommit or raw.info.transaction_status != TransactionStatus.IDLE:
        return False
    with suppress(psycopg.Error):
        return _state(raw) == _made.get(raw)
    return False


def _replace(connection: BaseDatabaseWrapper) -> None:
    """Close it, also within a transaction that nobody ends; the next statement opens another one."""
    with suppress(Error):
        connection.close()
        if connection.connection is not None:  # so Django leaves it inside a transaction
            connection.connect()
