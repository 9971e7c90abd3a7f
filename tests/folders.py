"""Where the servers of the tests keep their data: in memory where that is possible, else on disk."""

import hashlib
import os
import shutil
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

from backoffice.database.embedded import EmbeddedPostgres
from backoffice.demo.data_folder import ROOT, DataFolder
from backoffice.progress import Refused

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the tests' own, and removed after them
ROOM: Final = 2 * 1024**3  # bytes that have to be free


def _parent() -> Path:
    """One folder for each checkout and user."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        checkout = hashlib.sha256(f"{os.getuid()} {ROOT}".encode()).hexdigest()[:12]
        return MEMORY / f"backoffice-tests-{checkout}"
    return ROOT / ".data-test"


def free_folder(stack: ExitStack, kind: str = "") -> DataFolder:
    """The first one that no other run has; empty, and removed again when the stack is closed."""
    for number in count(1):
        folder = DataFolder(_parent() / f"{kind}{number}")
        try:
            stack.enter_context(folder.held())
        except Refused:
            continue  # another run has it
        # Who was killed has left something behind, perhaps a server that is still at work there.
        EmbeddedPostgres(folder.postgres).stop()
        _empty(folder)
        stack.callback(_empty, folder)
        return folder
    raise AssertionError("unreachable")


def _empty(folder: DataFolder) -> None:
    """But for the lock, which somebody may be waiting for."""
    for path in folder.path.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()
    folder.log.mkdir(exist_ok=True)
