"""A time limit for the code of a task for which somebody waits: previews, look-ups, checks, choices.

No thread of Python can be ended. But an exception can be raised in one, where it goes on executing
Python: that ends a loop. PostgreSQL can be told to cancel a statement. Nothing ends another call
that never returns, such as one that waits for a lock. So only a few may be at work in a process at once, and the web server's other threads stay free
for all other pages.
"""

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

from tasks.databases import close_interrupted

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

SECONDS: Final = 20
AT_ONCE: Final = 4  # of the eight threads that a web process has as documented
FOR_A_PLACE: Final = 5  # seconds that somebody waits until one of those is free
AGAIN: Final = 1.0  # seconds after which code that has swallowed it is interrupted once more
TO_CANCEL: Final = 2.0  # seconds that cancelling a statement may take


class TookTooLong(Exception):
    """The code of a task did not end in time, or could not begin."""


class _TimeIsUp(BaseException):
    """What is raised in the code. No `Exception`, so that it is caught by few."""


class _Watch:
    """Interrupts threads whose time is over, from a thread of its own."""

    def __init__(self) -> None:
        # Only ever held in `with`: an exception that is raised in between would leave it locked.
        self._lock = threading.Lock()
        self._until: dict[int, float] = {}
        self._databases: dict[int, BaseDatabaseWrapper] = {}
        self._sleeps_until = 0.0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, until: float) -> None:
        """Interrupt the present thread then."""
        with self._lock:
            self._until[threading.get_ident()] = until
            self._databases[threading.get_ident()] = connections[DEFAULT_DB_ALIAS]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time limits", daemon=True)
                self._thread.start()
            elif until < self._sleeps_until:
                self._wake.set()

    def end(self) -> None:
        """Leave the present thread alone, also where the interruption was already on its way."""
        with self._lock:
            self._until.pop(threading.get_ident(), None)
            self._databases.pop(threading.get_ident(), None)
            _raise_in(threading.get_ident(), None)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._wake.clear()
                pause = self._interrupt_those_who_are_late()
            self._wake.wait(pause)

    def _interrupt_those_who_are_late(self) -> float:
        now = monotonic()
        for thread, until in self._until.items():
            if until <= now:
                _raise_in(thread, _TimeIsUp)
                _cancel(self._databases[thread])
                self._until[thread] = now + AGAIN
        self._sleeps_until = min(self._until.values(), default=now + SECONDS)
        return self._sleeps_until - now


def _cancel(database: "BaseDatabaseWrapper") -> None:
    connection: Any = database.connection
    with suppress(Exception):  # it may be closed at this moment, or away
        connection.cancel_safe(timeout=TO_CANCEL)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    raised = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


_watch = _Watch()
_places = threading.BoundedSemaphore(AT_ONCE)
_own = threading.local()


def _begin_anew() -> None:
    """In a process that was forked: the thread of the other one is not here."""
    global _watch, _places
    _watch, _places = _Watch(), threading.BoundedSemaphore(AT_ONCE)
    _own.__dict__.clear()


os.register_at_fork(after_in_child=_begin_anew)


def in_time[T](call: Callable[[], T], seconds: float = SECONDS) -> T:
    """What the call returns. Raises `TookTooLong` when its time is over.

    Within another such call the time of that one counts.
    """
    if getattr(_own, "inside", False):
        return call()
    if not _places.acquire(timeout=FOR_A_PLACE):
        raise TookTooLong(
            "Other tasks are taking too long at the moment, so this could not be started. Try again "
            "in a minute."
        )
    try:
        _own.inside = True
        return _interrupted(call, seconds)
    finally:
        _own.inside = False
        _places.release()


def _interrupted[T](call: Callable[[], T], seconds: float) -> T:
    # No context manager: the exception could be raised where its end is called, and skip it.
    watch, ended, late = _watch, False, False
    other: BaseException | None = None
    try:
        try:
            watch.begin(monotonic() + seconds)
            return call()
        finally:
            while not ended:
                try:
                    watch.end()
                    ended = True
                except _TimeIsUp:  # it may come as late as here
                    late = True
                except BaseException as error:  # such as the time-out of a worker
                    other = error
            if other is not None:
                raise other
    except BaseException as error:
        if not (late or isinstance(error, _TimeIsUp)):
            raise
        logger.exception("Code of a task did not end within %s seconds", seconds)
        close_interrupted()  # it may have been in the middle of a statement
        raise TookTooLong(f"It took longer than {seconds} seconds and was stopped.") from error
