"""What goes wrong in a trial: Stripe, processes, the database and the messages in between."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import psutil  # type: ignore[import-untyped]
import psycopg
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django_q.models import OrmQ

from backoffice.database.embedded import EmbeddedPostgres
from tasks.models import Effect, Run
from tasks.worker.execution import sweep
from tests.acceptance.supervised import Service
from tests.chaos.company import BATCH
from tests.chaos.ground import restart_at_once
from tests.doubles.stripe import Fault, Kind, StripeDouble

WORKER: Final = "chaos-worker"  # how the connections of the workers are called
MOST_FROZEN: Final = 6
AT_ONCE: Final = 2
LONGEST_FREEZE: Final = 8.0  # seconds: a lease is two
HOUR, DAY = timedelta(hours=1), timedelta(hours=25)
POST, GET = {"method": "POST"}, {"method": "GET"}
# Each with its probability. FORGET_KEY is not here: see `Storm.let_a_day_pass`.
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
    # Silence that lasts longer than a lease.
    (0.01, {"kind": Kind.HANG_BEFORE, "seconds": 4.0, **POST}),
    (0.01, {"kind": Kind.HANG_AFTER, "seconds": 4.0, **POST}),
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
            except (DatabaseError, InterfaceError, psycopg.Error):
                connection.close()
            except BaseException as error:
                self.failures.append(error)
                break
        connection.close()


def _open() -> QuerySet[Effect]:
    """The steps that were sent and have no answer."""
    return Effect.objects.filter(sent_at__isnull=False, answered_at=None)


def _signal(run: Run, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(int(run.worker.rpartition(":")[2]), number)
        return True
    return False


def _is_taken_over(run: Run) -> bool:
    """Whether another attempt is at work, or none will be."""
    now = Run.objects.get(pk=run.pk)
    return now.status not in (Run.Status.RUNNING, Run.Status.QUEUED) or (
        now.attempt > run.attempt and now.status == Run.Status.RUNNING
    )


def sweeping() -> Every:
    """What the queue's schedule has a worker do each minute, twice a second."""
    return Every(0.5, sweep)


class Storm:
    """Kills, freezes and cuts off workers, and loses and repeats messages. Counts what it has done."""

    def __init__(
        self, services: list[Service], double: StripeDouble, choices: random.Random
    ) -> None:
        self._services, self._double, self._choices = services, double, choices
        self._frozen: set[UUID] = set()
        self.done: Counter[str] = Counter()

    def has_raged(self, runs: int) -> bool:
        """Whether it did what has to be survived: froze, cut off, and killed often enough for so many runs."""
        once = self.done["workers frozen"] and self.done["connections cut"]
        return bool(once) and self.done["busy workers killed"] > runs / 20

    def strike(self) -> None:
        """One death, one connection or one message, by chance."""
        acts = (
            self._kill_busy,
            self._kill_any,
            self._lose_message,
            self._repeat_message,
            self._cut_connection,
        )
        self._choices.choices(acts, (12, 1, 2, 2, 3))[0]()

    def freeze(self) -> None:
        """Stop workers in the middle of a step until somebody else has their run, then let them go on."""
        if self.done["workers frozen"] >= MOST_FROZEN:
            return
        runs = Run.objects.filter(status=Run.Status.RUNNING, effects__in=_open())
        chosen = list(runs.exclude(pk__in=self._frozen).distinct()[:AT_ONCE])
        stopped = {run.pk: run for run in chosen if _signal(run, signal.SIGSTOP)}
        self._frozen |= stopped.keys()
        self.done["workers frozen"] += len(stopped)
        until = time.monotonic() + LONGEST_FREEZE
        try:
            while stopped and time.monotonic() < until:
                for pk in [pk for pk, run in stopped.items() if _is_taken_over(run)]:
                    _signal(stopped.pop(pk), signal.SIGCONT)
                time.sleep(0.02)
        finally:
            for run in stopped.values():
                _signal(run, signal.SIGCONT)

    def let_a_day_pass(self) -> None:
        """For steps without an answer, of runs that nobody has: they are old, and Stripe forgets their keys."""
        with transaction.atomic():
            waiting = Run.objects.select_for_update().filter(status=Run.Status.QUEUED)
            runs = list(waiting.exclude(task__slug=BATCH).values_list("pk", flat=True))
            steps = _open().filter(run__in=runs, sent_at__gt=Now() - HOUR)
            keys = set(steps.values_list("key", flat=True))
            steps.update(sent_at=F("sent_at") - DAY)
        self._double.forget(keys)
        self.done["keys forgotten"] += len(keys)

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

    def _cut_connection(self) -> None:
        url = EmbeddedPostgres(Path(os.environ["CHAOS_SERVER"])).url()
        with psycopg.connect(url, autocommit=True) as other:
            there = other.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY pid",
                [WORKER],
            ).fetchall()
            if there:
                other.execute("SELECT pg_terminate_backend(%s)", self._choices.choice(there))
                self.done["connections cut"] += 1

    def _lose_message(self) -> None:
        if message := OrmQ.objects.order_by("?").first():
            message.delete()
            self.done["messages lost"] += 1

    def _repeat_message(self) -> None:
        if message := OrmQ.objects.order_by("?").first():
            with transaction.atomic():
                OrmQ.objects.create(key=message.key, payload=message.payload, lock=message.lock)
            self.done["messages repeated"] += 1
