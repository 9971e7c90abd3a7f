"""A database for look-ups: the test's own, as the role that can only read."""

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

ROLE = "backoffice_lookup"


def address_of(role: str) -> str:
    settings = connection.settings_dict
    parts = {"host": settings["HOST"] or settings["OPTIONS"].get("host"), "port": settings["PORT"]}
    return make_conninfo(
        "",
        dbname=str(connection.settings_dict["NAME"]),
        user=role,
        password=settings["PASSWORD"] if role != ROLE else None,
        **{name: value for name, value in parts.items() if value},
    )


@pytest.fixture
def lookup(transactional_db, settings):
    """The address of the database for look-ups. There is a table `diary`, which it can read."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE diary (id int PRIMARY KEY, secret text, word text)")
        cursor.execute(
            "INSERT INTO diary SELECT n, 'hidden', 'w' || n FROM generate_series(1, 50) n"
        )
        cursor.execute("CREATE SEQUENCE diary_numbers")
        cursor.execute(
            "CREATE FUNCTION diary_write() RETURNS int LANGUAGE sql SECURITY DEFINER AS "
            "$$ INSERT INTO diary VALUES (99, 'x', 'x'); SELECT 1 $$"
        )
        cursor.execute(f"GRANT SELECT (id, word) ON diary TO {ROLE}")
    settings.LOOKUP_DATABASES = {"lookup": address_of(ROLE)}
    yield settings.LOOKUP_DATABASES["lookup"]
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION diary_write()")
        cursor.execute("DROP TABLE diary; DROP SEQUENCE diary_numbers")


@pytest.fixture
def outside(lookup):
    """A connection of the owner, to see what others see."""
    with psycopg.connect(
        address_of(connection.settings_dict["USER"] or "backoffice_owner"), autocommit=True
    ) as own:
        yield own
