"""The tests' surroundings: the environment that settings are read from, and a PostgreSQL server.

Loaded with `-p tests.database`, because settings are read before any conftest.py. DATABASE_URL, if
set, names a server to use instead. Each run at the same time has a folder of its own.
"""

import os
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import psycopg
import pytest

from backoffice.database import provision
from backoffice.database.embedded import EmbeddedPostgres
from backoffice.demo.data_folder import DataFolder
from backoffice.progress import Refused

FOLDERS = Path(__file__).resolve().parent.parent / ".data-test"
# A power cut may cost the tests their data.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_at_the_end = ExitStack()


def _first_free_folder() -> DataFolder:
    for number in count(1):
        folder = DataFolder(FOLDERS / str(number))
        try:
            _at_the_end.enter_context(folder.held())
        except Refused:
            continue  # another run has it
        return folder
    raise AssertionError("unreachable")


def _surroundings(server: EmbeddedPostgres | None) -> dict[str, str]:
    surroundings = {
        "SECRET_KEY": "only-for-tests-" * 4,
        "INSECURE_HTTP": "1",
        "BACKOFFICE_DATA": str(_folder.path),
    }
    if server:
        url = server.url(provision.OWNER, provision.DATABASE)
        surroundings |= {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}
    return surroundings


def _start(server: EmbeddedPostgres) -> None:
    server.start()
    _at_the_end.callback(server.stop)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        provision.make_roles(connection)
        # Makes the test database, and in it plays each of the roles and the attacker.
        connection.execute(f"ALTER ROLE {provision.OWNER} SUPERUSER")
        provision.make_database(connection)
    # Django copies this one, so that the application's rights are in the tests what they are live.
    with psycopg.connect(server.url(database="template1"), autocommit=True) as connection:
        for statement in provision.default_privileges():
            connection.execute(statement)


_folder = _first_free_folder()
_server = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(_folder.postgres, FAST)
for _leftover in ("DEBUG", "BACKOFFICE_DEMO", "STRIPE_API_KEY", "STRIPE_API_BASE"):
    os.environ.pop(_leftover, None)
os.environ.update(_surroundings(_server))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> None:
    """Tests without a database do without a server."""
    if _server and fixturedef.argname == "django_db_setup":
        _start(_server)


def pytest_unconfigure() -> None:
    _at_the_end.close()
