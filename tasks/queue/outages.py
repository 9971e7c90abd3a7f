"""A database that is away for a moment, as during a restart: what may wait, waits."""

import logging
import traceback
from collections.abc import Callable
from time import monotonic, sleep
from typing import Final

import psycopg
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from tasks.databases import READ_ONLY, sqlstate_of

logger = logging.getLogger(__name__)

PAUSE: Final = 0.5  # seconds between two attempts
PATIENCE: Final = 20.0  # seconds for which something is tried again: a restart takes less
# InternalError: a server that is a standby for the moment refuses to write.
OUTAGE: Final = (OperationalError, InterfaceError, InternalError, psycopg.Error)
# SQLSTATE: no connection, no room, a transaction that lost against another, a server that goes down or
# is a standby for the moment.
AWAY: Final = ("08", "53", "40", "57P0", READ_ONLY)


def patiently[T](act: Callable[[], T]) -> T:
    """Call `act` until the database is there to take it, for 20 seconds at most.

    Only for what may be done twice: an answer may get lost with the connection. Raises the last
    error of the database when the time is over.
    """
    give_up = monotonic() + PATIENCE
    while True:
        try:
            return act()
        except OUTAGE:
            if monotonic() > give_up or connection.in_atomic_block:
                raise
            logger.warning("The database is unreachable; waiting for it", exc_info=True)
            connection.close()
            sleep(PAUSE)


def is_outage(error: BaseException) -> bool:
    """Whether this says that the product's own database is away, so that the same may succeed later.

    A statement of a task that is refused, or was ended because it took too long, says no such thing.
    Neither does anything that another database says.
    """
    if not isinstance(error, OUTAGE) or _database_of(error) != DEFAULT_DB_ALIAS:
        return False
    state = sqlstate_of(error)
    return not state or state.startswith(AWAY)


def _database_of(error: BaseException) -> str | None:
    """Where it was raised: Django's error does not say by which connection."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        by = frame.f_locals.get("self")
        by = getattr(by, "db", None) or getattr(by, "wrapper", None) or by
        if isinstance(by, BaseDatabaseWrapper):
            return str(by.alias)
    return None
