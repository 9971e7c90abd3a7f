"""Locks on what has no row: whoever decides about a name waits for others who do."""

from django.db import connection


def hold(name: str) -> None:
    """Wait until nobody else holds this name, and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
