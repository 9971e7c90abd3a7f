"""The tests' surroundings: the environment that settings are read from, and a PostgreSQL server.

Loaded with `-p tests.database`, because settings are read before any conftest.py. DATABASE_URL, if
set, names a server to use instead. Tests on several cores (pytest-xdist) share one server, on which
each has a copy of one database that was migrated once.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from typing import Final

import psycopg
import pytest

from backoffice.database import provision
from backoffice.database.embedded import EmbeddedPostgres
from backoffice.demo.data_folder import ROOT
from tests.folders import free_folder

# A power cut may cost the tests their data.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Those of the tests themselves, their threads, and the clusters that they start, on each core.
CONNECTIONS: Final = {"max_connections": "300"}
TEMPLATE: Final = "test_template"  # a database called test_something may be emptied

_at_the_end = ExitStack()
_folder = free_folder(_at_the_end)


class Server:
    """The embedded server of this run, started when the first test needs it."""

    def __init__(self) -> None:
        self.postgres = EmbeddedPostgres(_folder.postgres, FAST | CONNECTIONS)
        self.started = False

    def environment(self, database: str = provision.DATABASE) -> dict[str, str]:
        url = self.postgres.url(provision.OWNER, database)
        return {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}

    @property
    def template(self) -> dict[str, str]:
        """For the environment of those whose databases are made from it."""
        return {"BACKOFFICE_TEST_TEMPLATE": TEMPLATE}

    def start(self) -> None:
        if self.started:
            return
        self.started = True
        self.postgres.start()
        _at_the_end.callback(self.postgres.stop)
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            provision.make_roles(connection)
            # Makes the test database, and in it plays each of the roles and the attacker.
            connection.execute(f"ALTER ROLE {provision.OWNER} SUPERUSER")
            provision.make_database(connection)
        # Django copies this one, so that the application's rights are in the tests what they are live.
        with psycopg.connect(
            self.postgres.url(database="template1"), autocommit=True
        ) as connection:
            for statement in provision.default_privileges():
                connection.execute(statement)

    def make_template(self) -> None:
        """The database that each core's is a copy of. The environment names it to them."""
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            provision.make_database(connection, TEMPLATE)
        command = [sys.executable, "manage.py", "migrate", "--no-input", "-v", "0"]
        environment = os.environ | self.environment(TEMPLATE)
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


_server = None if os.environ.get("DATABASE_URL") else Server()
for _leftover in ("DEBUG", "BACKOFFICE_DEMO", "STRIPE_API_KEY", "STRIPE_API_BASE"):
    os.environ.pop(_leftover, None)
os.environ |= {
    "SECRET_KEY": "only-for-tests-" * 4,
    "INSECURE_HTTP": "1",
    "BACKOFFICE_DATA": str(_folder.path),
}
if _server:
    os.environ |= _server.environment()


def pytest_configure() -> None:
    """The programs that tests start are the product's, with the product's settings."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Before the processes of the cores are started: they inherit the environment."""
    if _server:
        _server.start()
        _server.make_template()
        os.environ |= _server.template


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> None:
    """Tests without a database do without a server."""
    if _server and fixturedef.argname == "django_db_setup":
        _server.start()


def pytest_unconfigure() -> None:
    _at_the_end.close()
