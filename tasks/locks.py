"""Locks on what has no row: whoever decides about a name waits for others who do."""

import time
from typing import Final

from django.db import connection

LOOKS_EVERY: Final = 0.05  # seconds, while somebody else holds a name


def hold(name: str) -> None:
    """Wait until nobody else holds this name, and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def try_hold(name: str, *, seconds: float = 2.0) -> bool:
    """Hold this name like `hold`, unless somebody else keeps it for longer than so many seconds."""
    give_up_at = time.monotonic() + seconds
    while not _taken(name):
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(LOOKS_EVERY)
    return True


def _taken(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])
