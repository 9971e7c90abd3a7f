"""A PostgreSQL server of the trials' own, which may be restarted under their feet."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]
import psycopg

from backoffice.database import provision
from backoffice.database.embedded import EmbeddedPostgres
from backoffice.demo.data_folder import ROOT, DataFolder
from tests.folders import free_folder

TEMPLATE: Final = "migrated"
# The processes of the server are killed, not the machine: what it has written stays written.
# Without synchronous_commit it would lose what it had promised.
FAST: Final = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


class Ground:
    """The server, with an empty back office that each trial gets a copy of."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.server = EmbeddedPostgres(folder.postgres, FAST)

    def prepare(self) -> None:
        """Start it, and make the tables."""
        self.server.start()
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            provision.make_roles(connection)
            provision.make_database(connection, TEMPLATE)
        owner = self.server.url(provision.OWNER, TEMPLATE)
        with psycopg.connect(owner, autocommit=True) as connection:
            provision.set_privileges(connection)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--no-input", "-v", "0"],
            cwd=ROOT,
            env=self.environment(TEMPLATE),
            check=True,
        )

    def copy(self, name: str) -> dict[str, str]:
        """Make the database of one trial. Returns the environment of its processes."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {provision.OWNER}".encode()
            )
        # The rights on a database are not copied with it.
        with psycopg.connect(self.server.url(provision.OWNER, name), autocommit=True) as connection:
            provision.set_privileges(connection)
        return self.environment(name)

    def environment(self, name: str) -> dict[str, str]:
        addresses = provision.Addresses(
            self.server.url(provision.APP, name), self.server.url(provision.OWNER, name)
        )
        return (
            os.environ
            | addresses.environment()
            | {
                "SECRET_KEY": "only-for-tests-" * 4,
                "INSECURE_HTTP": "1",
                "LOG_LEVEL": "WARNING",
                "BACKOFFICE_DATA": str(self.folder.path),
                "DJANGO_SETTINGS_MODULE": "backoffice.settings",
                "CHAOS_SERVER": str(self.server.folder),
            }
        )


@contextmanager
def ground() -> Iterator[Ground]:
    """A folder that nobody else uses, with the server in it, until the block ends."""
    with ExitStack() as stack:
        there = Ground(free_folder(stack, "chaos-"))
        stack.callback(there.server.stop)
        there.prepare()
        yield there


def restart_at_once(folder: Path) -> None:
    """What `pg_ctl restart -m immediate` does: no goodbye to anybody, then a recovery."""
    first_line = (folder / "postmaster.pid").read_text().splitlines()[0]
    postmaster = psutil.Process(int(first_line))
    postmaster.send_signal(signal.SIGQUIT)
    postmaster.wait(timeout=30)
    EmbeddedPostgres(folder, FAST).start()
