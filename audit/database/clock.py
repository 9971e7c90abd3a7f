"""The database's clock: the only one that decides anything."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's time now, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now  # type: ignore[no-any-return]
