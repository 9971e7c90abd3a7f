"""What goes wrong in a trial: Stripe, processes, the database and the messages in between."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil  # type: ignore[import-untyped]
from django.db import DatabaseError, InterfaceError, connection, transaction
from django_q.models import OrmQ

from tasks.models import Run
from tasks.worker.execution import sweep
from tests.acceptance.supervised import Service
from tests.chaos.ground import restart_at_once
from tests.doubles.stripe import Fault, Kind

POST, GET = {"method": "POST"}, {"method": "GET"}
# Each with its probability. FORGET_KEY is not here: it is what Stripe does after 24 hours, and a key
# is not sent any more when it is 23 hours old.
OF_STRIPE: Final[tuple[tuple[float, dict[str, Any]], ...]] = (
    (0.03, {"kind": Kind.RESET_BEFORE, **POST}),
    (0.04, {"kind": Kind.RESET_AFTER, **POST}),
    (0.02, {"kind": Kind.HANG_BEFORE, "seconds": 1.5, **POST}),
    (0.03, {"kind": Kind.HANG_AFTER, "seconds": 1.5, **POST}),
    (0.02, {"kind": Kind.ERROR_BEFORE, "status": 429, **POST}),
    (0.02, {"kind": Kind.ERROR_BEFORE, "status": 429, "code": "lock_timeout", **POST}),
    (0.02, {"kind": Kind.ERROR_BEFORE, "status": 409, **POST}),
    (0.02, {"kind": Kind.ERROR_BEFORE, "status": 503, "should_retry": False, **POST}),
    (0.02, {"kind": Kind.ERROR_SAVED, **POST}),
    (0.04, {"kind": Kind.ERROR_AFTER, **POST}),
    (0.04, {"kind": Kind.ERROR_AFTER_EDGE, **POST}),
    (0.04, {"kind": Kind.TRUNCATE_AFTER, **POST}),
    (0.04, {"kind": Kind.SLOW, "seconds": 1.0, **POST}),
    (0.03, {"kind": Kind.RESET_BEFORE, **GET}),
    (0.03, {"kind": Kind.ERROR_BEFORE, "status": 503, **GET}),
)


def faults_of_stripe() -> list[Fault]:
    return [Fault(probability=chance, count=None, **fault) for chance, fault in OF_STRIPE]


class Every:
    """Calls `act` in a thread of its own again and again, whatever the database does meanwhile."""

    def __init__(self, seconds: float, act: Callable[[], object]) -> None:
        self._seconds, self._act = seconds, act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self.failures: list[BaseException] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def must_not_have_failed(self) -> None:
        """AssertionError for anything but a database that was away."""
        assert self.failures == [], self.failures

    def _go_on(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._act()
            except (DatabaseError, InterfaceError):
                connection.close()
            except BaseException as error:
                self.failures.append(error)
                break
        connection.close()


def sweeping() -> Every:
    """What the queue's schedule has a worker do each minute, twice a second."""
    return Every(0.5, sweep)


class Storm:
    """Kills processes of the services, and loses and repeats messages. Counts what it has done."""

    def __init__(self, services: list[Service], choices: random.Random) -> None:
        self._services, self._choices = services, choices
        self.done: Counter[str] = Counter()

    def strike(self) -> None:
        """One death or one message, by chance."""
        acts = (self._kill_busy, self._kill_any, self._lose_message, self._repeat_message)
        self._choices.choices(acts, (12, 1, 2, 2))[0]()

    def restart_database(self, folder: Path) -> None:
        restart_at_once(folder)
        self.done["restarts"] += 1

    def _processes(self) -> list[psutil.Process]:
        found = []
        for service in self._services:
            with suppress(psutil.NoSuchProcess):
                main = psutil.Process(service.main.pid)
                found += [main, *main.children(recursive=True)]
        return found

    def _kill_busy(self) -> None:
        at_work = Run.objects.filter(status=Run.Status.RUNNING).values_list("worker", flat=True)
        pids = {int(worker.rpartition(":")[2]) for worker in at_work}
        busy = [process for process in self._processes() if process.pid in pids]
        if busy:
            self._kill(self._choices.choice(busy), "busy workers killed")

    def _kill_any(self) -> None:
        """Main process, guard, monitor, pusher or an idle worker: the cluster starts anew."""
        if processes := self._processes():
            self._kill(self._choices.choice(processes), "any process killed")

    def _kill(self, process: psutil.Process, what: str) -> None:
        with suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)
            self.done[what] += 1

    def _lose_message(self) -> None:
        if message := OrmQ.objects.order_by("?").first():
            message.delete()
            self.done["messages lost"] += 1

    def _repeat_message(self) -> None:
        if message := OrmQ.objects.order_by("?").first():
            with transaction.atomic():
                OrmQ.objects.create(key=message.key, payload=message.payload, lock=message.lock)
            self.done["messages repeated"] += 1
