"""Stops the function of a task by force: an exception in the thread in which it runs.

The exception is only raised while the author's own code is at work. What this package writes down
in between, above all the answer of a step, is never cut in two: an interruption that comes then
waits until it is done.
"""

import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Concatenate, Final, Protocol, Self

from tasks.declaration.calling import author_code
from tasks.declaration.errors import Stopped

# django-q2 has SIGALRM for the time-out.
NUMBER: Final = signal.SIGUSR1


class Interruption:
    """Can interrupt the block that it encloses, from another thread.

    Outside of a process's main thread there are no signals, and nobody is interrupted.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._thread = threading.get_ident()
        self._works = threading.current_thread() is threading.main_thread()
        self._open = False  # whether the author's code is at work
        self._wanted = False

    def __enter__(self) -> Self:
        if self._works:
            self._before = signal.signal(NUMBER, self._come)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._works:
            signal.signal(NUMBER, self._before)

    def interrupt(self) -> None:
        """Raise `Stopped` in the block, now or as soon as it may be. For other threads."""
        if self._works:
            signal.pthread_kill(self._thread, NUMBER)

    @property
    def is_allowed(self) -> bool:
        """Whether the author's own code is at work now, and nothing of this package."""
        return self._open

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """The author's code: it may be interrupted anywhere."""
        before, self._open = self._open, True
        try:
            self._raise_if_wanted()
            with author_code():
                yield
        finally:
            self._open = before

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Our own code within it: an interruption comes after it.

        Raises RuntimeError in a process that the author's code has forked, which would write on
        the worker's own connections.
        """
        if os.getpid() != self._process:
            raise RuntimeError("A process that a task has forked cannot use its run.")
        before, self._open = self._open, False
        try:
            yield
        finally:
            self._open = before
        self._raise_if_wanted()

    def _come(self, number: int, frame: FrameType | None) -> None:
        self._wanted = True
        self._raise_if_wanted()

    def _raise_if_wanted(self) -> None:
        if self._open and self._wanted:
            self._wanted = False
            raise Stopped(
                "Cancelled, but it did not end in time and was ended by force. What was done by then "
                "stays done."
            )


class _Interruptible(Protocol):
    @property
    def _interruption(self) -> Interruption: ...


def uninterrupted[S: _Interruptible, **P, R](
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """A method during which nobody is interrupted, but where it says `allowed()` itself."""

    @functools.wraps(method)
    def run(self: S, /, *arguments: P.args, **named: P.kwargs) -> R:
        with self._interruption.postponed():
            return method(self, *arguments, **named)

    return run
