"""Servers and programs of a test's own, for what concerns whole processes."""

import shutil
import tempfile
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from backoffice.database.embedded import EmbeddedPostgres
from tests.database import FAST


def dead(process: psutil.Process) -> bool:
    """Waits a little. In a container nobody may collect the dead: they count as well."""
    try:
        process.wait(timeout=30)
    except psutil.TimeoutExpired:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    return True


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
