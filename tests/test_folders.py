"""Runs of the tests beside and after each other: none is in another's way."""

import signal
import subprocess
import sys
from contextlib import ExitStack

import psutil  # type: ignore[import-untyped]

from backoffice.demo.data_folder import ROOT
from tests.backoffice.conftest import dead
from tests.folders import free_folder

KILLED = """
import os
from contextlib import ExitStack
from backoffice.database.embedded import EmbeddedPostgres
from tests.folders import free_folder
folder = free_folder(ExitStack(), "killed-")
EmbeddedPostgres(folder.postgres, {"fsync": "off"}).start()
pid = (folder.postgres / "postmaster.pid").read_text().split()[0]
print(folder.path, pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_each_run_has_a_folder_of_its_own():
    with ExitStack() as stack:
        first, second = (free_folder(stack, "two-").path for _ in range(2))
        assert first != second


def test_the_server_of_a_run_that_was_killed_is_stopped_before_its_folder_is_used_again():
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    path, postmaster = killed.stdout.split()
    left = psutil.Process(int(postmaster))
    with ExitStack() as stack:
        folder = free_folder(stack, "killed-")
        assert str(folder.path) == path
        assert dead(left)
        assert not folder.postgres.exists()
