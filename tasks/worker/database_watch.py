"""Before a worker does anything on a new connection, and once a minute: is this still the same database?"""

from time import monotonic
from typing import Final

from django.db import connection

from audit.context import Door
from tasks.actions.restores import check_database
from tasks.queue.outages import patiently

EVERY: Final = 60.0  # seconds


class DatabaseWatch:
    """One for each process of a worker. Behind a new connection there may be another database."""

    def __init__(self) -> None:
        self._compared: object = None
        self._at = 0.0

    def look(self) -> None:
        """Compare the database, unless this connection was compared a moment ago."""
        known = connection.connection is not None and connection.connection is self._compared
        if known and monotonic() - self._at < EVERY:
            return
        patiently(lambda: check_database(door=Door.WORKER))
        self._compared, self._at = connection.connection, monotonic()
