"""A PostgreSQL server of a test module's own, for what concerns a whole server."""

import shutil
import tempfile
from pathlib import Path

import pytest

from backoffice.postgres import EmbeddedPostgres
from tests.database import FAST


@pytest.fixture(scope="module")
def folder():
    """With a short path: a socket's may have about a hundred characters, and pytest's are long."""
    folder = Path(tempfile.mkdtemp(prefix="bo-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(folder):
    server = EmbeddedPostgres(folder / "postgres", FAST)
    server.start()
    yield server
    server.stop()
