"""A worker under a supervisor that starts it anew, as systemd or a container's platform does."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from django.db.models.functions import Now

from tasks.models import Run
from tests.acceptance.conftest import ENDS_WITHIN, ROOT, eventually

# What the processes of the lane of runs say of themselves, and those of django-q2's own cluster.
ROLES = {
    role: re.compile(rf"(?:runs {role} is there|Process-\S+ {stock}) at (\d+)")
    for role, stock in (
        ("worker", "ready for work"),
        ("monitor", "monitoring"),
        ("pusher", "pushing tasks"),
    )
}


class Service:
    """`command` of manage.py, started again whenever it ends with another result than 0."""

    def __init__(self, command: str, environment: dict[str, str], folder: Path) -> None:
        self.results: list[int] = []
        self._command = [sys.executable, "manage.py", command]
        self._environment, self._folder = environment, folder
        self._ending = False
        self._numbers = count()
        self._seen: list[psutil.Process] = []
        self._start()
        self._supervisor = threading.Thread(target=self._supervise)
        self._supervisor.start()

    def _start(self) -> None:
        path = self._folder / f"{next(self._numbers)}.log"
        with path.open("wb") as log:
            main = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.log, self.main = path, main

    def _supervise(self) -> None:
        while (result := self.main.wait()) and not self._ending:
            self._start()
            self.results.append(result)  # last: who waits for it then asks the next cluster
        self.results.append(result)

    def says(self, words: str) -> str:
        """What the present cluster has written, as soon as these words are in it."""
        eventually(lambda: words in self.log.read_text())
        return self.log.read_text()

    def pids(self, role: str) -> list[int]:
        """The processes of the present cluster, as soon as they have said what they are."""
        if role == "main":
            return [self.main.pid]
        if role == "sentinel":
            return [psutil.Process(self.main.pid).children()[0].pid]
        return eventually(lambda: [int(n) for n in ROLES[role].findall(self.log.read_text())])

    def ready(self) -> None:
        """Returns when every process is there, and remembers them."""
        eventually(lambda: len(self.pids("worker")) >= int(self._environment["WORKERS"]))
        for role in ("monitor", "pusher"):
            self.pids(role)
        self._remember()
        sentinel = psutil.Process(self.pids("sentinel")[0])
        self._runs = [sentinel, *sentinel.children(recursive=True)]

    def _remember(self) -> None:
        main = psutil.Process(self.main.pid)
        self._seen += [main, *main.children(recursive=True)]

    def left(self) -> list[psutil.Process]:
        """Of the processes that were there when it was ready."""
        return [process for process in self._seen if lives(process)]

    def left_of_runs(self) -> list[psutil.Process]:
        """The same of the lane of runs, which is started anew without the others."""
        return [process for process in self._runs if lives(process)]

    def kill(self, role: str) -> None:
        os.kill(self.pids(role)[0], signal.SIGKILL)

    def end(self, number: signal.Signals = signal.SIGTERM, *, within: float = ENDS_WITHIN) -> int:
        """Its result after this signal to the main process."""
        self._ending = True
        self.main.send_signal(number)
        self._supervisor.join(within)
        assert not self._supervisor.is_alive(), "It did not end in time."
        return self.results[-1]

    def clear(self) -> None:
        """Whatever hangs is killed, and what has replaced others since it was ready."""
        self._ending = True
        with suppress(psutil.NoSuchProcess):
            self._remember()
        for process in self._seen:
            with suppress(psutil.NoSuchProcess):  # some die with others
                process.kill()
        self.main.kill()
        self._supervisor.join(10)


def lives(process: psutil.Process) -> bool:
    """Whether it still works. The dead may await collection, and go while one looks."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def miss_the_dead(run: Run) -> None:
    """If the worker of this run is dead, its lease is over now.

    The lease itself stays as long as it is in production: a short one would be lost by a worker that
    is only slow, on a machine that has other things to do.
    """
    if run.status != Run.Status.RUNNING:
        return
    with suppress(psutil.NoSuchProcess):
        if lives(psutil.Process(int(run.worker.rpartition(":")[2]))):
            return
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(lease_until=Now())
