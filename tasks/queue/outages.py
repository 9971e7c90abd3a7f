"""A database that is away for a moment, as during a restart: what may wait, waits."""

import logging
from collections.abc import Callable
from time import monotonic, sleep
from typing import Final

import psycopg
from django.db import InterfaceError, InternalError, OperationalError, connection

logger = logging.getLogger(__name__)

PAUSE: Final = 0.5  # seconds between two attempts
PATIENCE: Final = 20.0  # seconds for which something is tried again: a restart takes less
# InternalError: a server that is a standby for the moment refuses to write.
OUTAGE: Final = (OperationalError, InterfaceError, InternalError, psycopg.Error)


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
