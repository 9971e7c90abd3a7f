"""A real cluster on the test database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import Run, Task
from tasks.sync import sync_tasks

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = "tests.acceptance.operations"
# Seconds that only what never happens takes, however busy the machine is. How soon something happens
# is measured by `make bench`.
LONG = 120.0
ENDS_WITHIN = 60.0  # seconds


def eventually[T](look: Callable[[], T], *, within: float = LONG) -> T:
    """What `look` returns, as soon as it is true. AssertionError when the time is over."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)
    return seen


@pytest.fixture
def operations(transactional_db, alice, bob, approvers) -> None:
    registry.load([MODULE])
    sync_tasks()
    for row in Task.objects.filter(category="Tests"):
        set_right(row, Right.EXECUTE, to=alice)


def url_of_the_database() -> str:
    """The server of DATABASE_URL, with the name of the database that this test runs on."""
    name = connection.settings_dict["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@contextmanager
def worker_of(module: str, folder: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py worker` with the tasks of this module, ended with everything that it started."""
    modules = ",".join([*settings.TASK_MODULES, module])
    environment = os.environ | {"DATABASE_URL": url_of_the_database(), "TASK_MODULES": modules}
    with (folder / "cluster.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=environment | more,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=ENDS_WITHIN)
            finally:
                # Whatever is left of its process group goes, too.
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(timeout=ENDS_WITHIN)


@pytest.fixture
def cluster(operations, tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    with worker_of(MODULE, tmp_path) as process:
        yield process


@pytest.fixture
def finished() -> Callable[[Run], Run]:
    def wait_for(run: Run) -> Run:
        def look() -> bool:
            run.refresh_from_db()
            return run.is_over

        eventually(look)
        return run

    return wait_for
