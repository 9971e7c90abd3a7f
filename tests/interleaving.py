"""Two at the same time, one of them held after a statement of one's choice.

The first goes as far as its n-th statement. Then the second goes, until it is over or waits for a lock that
the first one has, as PostgreSQL itself says. Then the first goes on. Nothing here sleeps or guesses.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection

PATIENCE: Final = 20  # seconds, after which something is wrong with the test
LOOKS_EVERY: Final = 0.002  # seconds, at what PostgreSQL says about locks


class Halt:
    """Holds a thread after its n-th statement until somebody lets it go on, and counts all of them."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.statements = 0
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return execute(*arguments)
        finally:
            self.statements += 1
            if self.statements == self.after:
                self.reached.set()
                if not self.go_on.wait(PATIENCE):
                    raise TimeoutError("Nobody let it go on.")


class Lane:
    """A thread with a database connection that both stay."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self.backend: int = self._pool.submit(_backend).result()

    def start(self, call: Callable[[], object], halt: Halt | None = None) -> "Future[object]":
        return self._pool.submit(_with, halt, call)

    def close(self) -> None:
        self._pool.submit(lambda: connection.close()).result()
        self._pool.shutdown()


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _with(halt: Halt | None, call: Callable[[], object]) -> object:
    if halt is None:
        return call()
    try:
        with connection.execute_wrapper(halt):
            return call()
    finally:
        halt.reached.set()


class Lanes:
    """Two lanes, on which two calls meet."""

    def __init__(self) -> None:
        self.first, self.second = Lane(), Lane()

    def statements_of(self, call: Callable[[], object]) -> int:
        """How many statements a call has when nobody is in its way. It is made for that."""
        halt = Halt(after=0)
        self.first.start(call, halt).result(PATIENCE)
        return halt.statements

    def meet(
        self, first: Callable[[], object], second: Callable[[], object], *, after: int
    ) -> tuple[object, object]:
        """What each call returned, the first held after so many statements for the second."""
        halt = Halt(after)
        one = self.first.start(first, halt)
        assert halt.reached.wait(PATIENCE)
        other = self.second.start(second)
        while not other.done() and not self._second_waits():
            wait([other], LOOKS_EVERY)
        halt.go_on.set()
        return one.result(PATIENCE), other.result(PATIENCE)

    def _second_waits(self) -> bool:
        with connection.cursor() as cursor:
            blocked = "SELECT %s = ANY(pg_blocking_pids(%s))"
            cursor.execute(blocked, [self.first.backend, self.second.backend])
            return bool(cursor.fetchone()[0])

    def close(self) -> None:
        self.first.close()
        self.second.close()


@contextmanager
def two_lanes() -> Iterator[Lanes]:
    lanes = Lanes()
    try:
        yield lanes
    finally:
        lanes.close()
