"""A bound on one message in total. One on each read is none where the other side sends a byte now and then."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

AGAIN: Final = (
    0.5  # seconds: who says goodbye to the other side after the time is over would wait again
)


class TookTooLong(TimeoutError):
    """Like the time-out of a socket, so that clients take it for one: they hang up."""


class _Alarm:
    """Raises `TookTooLong` in the main thread when it rings, until it is over."""

    over = False

    def ring(self, number: int, frame: FrameType | None) -> None:
        if not self.over:
            raise TookTooLong("It took longer than it may.")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block when it takes longer, again and again until it ends.

    By the one alarm that a process has. One that was set before is set again afterwards, for the
    rest of its time. Outside of a process's main thread there are no signals, and no bound.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    alarm, began = _Alarm(), time.monotonic()
    before = signal.signal(signal.SIGALRM, alarm.ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        try:
            yield
        finally:
            alarm.over = True
    finally:  # also where it rang in the line above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            rest = left - (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(rest, 0.001))
