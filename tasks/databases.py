"""Every configured database in one frame: what only the product's own one obeyed is no promise.

A database that the block does not use is not connected to. One that is not PostgreSQL is refused: what
is written there may not be undone.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from django.db import DEFAULT_DB_ALIAS, InternalError, connections, transaction
from django.utils.functional import SimpleLazyObject
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

READ_ONLY: Final = "25006"  # SQLSTATE of a statement that would change something and may not
_NOTHING_WRITTEN: Final = "SET LOCAL transaction_read_only = on"
# What would end the transaction behind the back of Django, also as one statement of several.
_ENDS_IT: Final = re.compile(
    r"(?:^|;)\s*(?:COMMIT|END|ABORT|ROLLBACK(?!\s+(?:WORK\s+|TRANSACTION\s+)?TO\b)|BEGIN|START\s+TRANSACTION"
    r"|PREPARE\s+TRANSACTION)\b",
    re.IGNORECASE,
)
_NO_STATEMENT: Final = re.compile(  # comments and texts, in which such a word means nothing
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL
)

type Frame = Callable[[str], AbstractContextManager[None]]


class NotAllowedHere(Exception):
    """The block did in a database what its frame does not allow. The text says what, and where."""


@contextmanager
def rolled_back(*, seconds: int, read_only: bool = False) -> Iterator[None]:
    """One transaction in each database that the block uses, of which nothing stays.

    Each statement has so many seconds. Raises `NotAllowedHere` for a database of another kind, for a
    statement that would end the transaction, and where it is read only for one that would write.
    """
    settings = [f"SET LOCAL statement_timeout = '{seconds}s'"]
    settings += [_NOTHING_WRITTEN] if read_only else []

    def frame(alias: str) -> AbstractContextManager[None]:
        return _rolled_back(alias, "; ".join(settings))

    with frame(DEFAULT_DB_ALIAS), _around_others(DEFAULT_DB_ALIAS, frame):
        yield


@contextmanager
def writing_only_to(using: str) -> Iterator[None]:
    """The block may write to this database alone. The others it can read.

    Raises `NotAllowedHere` where it writes to another, or uses one that is not PostgreSQL.
    """

    def frame(alias: str) -> AbstractContextManager[None]:
        return _rolled_back(alias, _NOTHING_WRITTEN)

    with _around_others(using, frame):
        yield


@contextmanager
def _around_others(alias: str, frame: Frame) -> Iterator[None]:
    with ExitStack() as frames:
        for other in connections:
            if other != alias:
                frames.enter_context(_when_used(other, frame))
        yield


@contextmanager
def _when_used(alias: str, frame: Frame) -> Iterator[None]:
    """Enter the frame of this database when the block first uses it, and leave it at the end.

    Until then something else stands in place of the connection, so that nothing can be done by it
    before: not even a transaction begun, which the frame would then be inside of.
    """
    connection = connections[alias]
    with ExitStack() as entered:

        def use() -> "BaseDatabaseWrapper":
            connections[alias] = connection
            try:
                entered.enter_context(frame(alias))
            except BaseException:
                connections[alias] = unused
                raise
            return connection

        connections[alias] = unused = cast("BaseDatabaseWrapper", SimpleLazyObject(use))
        try:
            yield
        finally:
            connections[alias] = connection


@contextmanager
def _rolled_back(alias: str, settings: str) -> Iterator[None]:
    connection = connections[alias]
    if connection.vendor != "postgresql":
        raise NotAllowedHere(
            f"The database “{alias}” is not PostgreSQL, so what is done there may not be undone. "
            "It cannot be used here."
        )
    with transaction.atomic(using=alias):
        with connection.cursor() as cursor:  # until the rollback
            cursor.execute(settings)
        try:
            with connection.execute_wrapper(_watched(alias)):
                yield
        finally:
            transaction.set_rollback(True, using=alias)


def _watched(alias: str) -> Callable[..., Any]:
    """Says in a sentence what a statement may not, as PostgreSQL would only say in its own words."""

    def execute(run: Callable[..., Any], sql: Any, *arguments: Any) -> Any:  # noqa: ANN401
        if isinstance(sql, str) and _ENDS_IT.search(_NO_STATEMENT.sub(" ", sql)):
            raise NotAllowedHere(f"A statement would have ended the transaction in “{alias}”.")
        try:
            return run(sql, *arguments)
        except InternalError as error:
            if sqlstate_of(error) == READ_ONLY:
                raise NotAllowedHere(f"Nothing may be written to “{alias}” here.") from error
            raise

    return execute


def close_interrupted() -> None:
    """Close those of this thread's connections that were in the middle of a statement."""
    for connection in connections.all(initialized_only=True):
        stands: object = connection
        # What stands in for a connection that was not used is left alone: asking it would use it.
        if type(stands) is not SimpleLazyObject and _is_interrupted(connection):
            connection.close()


def _is_interrupted(connection: "BaseDatabaseWrapper") -> bool:
    if connection.connection is None or connection.vendor != "postgresql":
        return connection.connection is not None
    status = connection.connection.info.transaction_status
    return status in (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)


def sqlstate_of(error: BaseException) -> str:
    """What PostgreSQL calls this error, such as 40001. Empty where it said nothing."""
    return next(filter(None, (getattr(e, "sqlstate", "") for e in (error, error.__cause__))), "")
