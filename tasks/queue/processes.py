"""The processes of a cluster: how they live, die and are seen to be alive, without a single lock.

A process that is killed while it holds a lock of Python's `multiprocessing` leaves it locked, and
whoever wants it next hangs. So everything here that two processes share is a pipe or one number.
"""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import current_process
from multiprocessing.connection import Pipe
from multiprocessing.sharedctypes import RawValue
from time import monotonic
from types import FrameType
from typing import Any, Final

from django_q.conf import Conf
from django_q.signals import post_execute_in_worker, pre_execute
from django_q.worker import worker

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LEAVES = 1  # the memory that a worker may use at most when it is to be replaced: it uses more
# What each worker calls before each message. If one raises, the worker ends and the message comes again.
BEFORE_EACH: Final[list[Callable[[], object]]] = []
TO_STOP = (signal.SIGTERM, signal.SIGINT)


class Flag:
    """What django-q2 uses an Event for, which hangs when who waits for it was killed (#346)."""

    def __init__(self) -> None:
        self.reader, self._writer = Pipe(duplex=False)

    def set(self) -> None:
        self._writer.send_bytes(b"1")

    def is_set(self) -> bool:
        return self.reader.poll()

    def wait(self, timeout: float) -> bool:
        return self.reader.poll(timeout)


class Moment:
    """When something was last seen to happen. The clock is the machine's, the same for all."""

    def __init__(self) -> None:
        self._at = RawValue("d", monotonic())

    def mark(self) -> None:
        self._at.value = monotonic()

    @property
    def age(self) -> float:
        """In seconds."""
        return monotonic() - float(self._at.value)


class Activity:
    """What a worker does, written by the worker and read by the sentinel.

    `timer` is django-q2's: the seconds that the present task may take and three more, -1 without
    a task, 0 after a time-out, -2 at the end of its service. Its lock is never asked for here.
    """

    def __init__(self, timer: Any) -> None:  # noqa: ANN401 - has no public type
        self._timer = timer.get_obj()
        self._busy = RawValue("b", 0)
        self._stops = RawValue("b", 0)
        self.began = Moment()

    def begin(self, **_: object) -> None:
        self.began.mark()
        self._busy.value = 1

    def end(self, **_: object) -> None:
        self._busy.value = 0

    def ask_to_stop(self) -> None:
        """For what can end sooner than its task does: see `is_to_stop`."""
        self._stops.value = 1

    @property
    def is_to_stop(self) -> bool:
        return bool(self._stops.value)

    @property
    def busy(self) -> bool:
        """Inside a task's function: the one place where a worker holds no lock of a queue."""
        return bool(self._busy.value)

    @property
    def leaving(self) -> bool:
        """After a time-out or its last task: it hands over the result and ends."""
        return int(self._timer.value) in (0, -2)

    @property
    def overdue(self) -> bool:
        """By the clock. django-q2 counts rounds of its guard, which other work makes longer."""
        allowed = self._timer.value
        return self.busy and allowed > 0 and self.began.age > allowed


def as_worker(activity: Activity, *arguments: object) -> None:
    """django-q2's worker, that says when it begins and ends a task."""
    _own.append(activity)
    pre_execute.connect(activity.begin, weak=False)
    post_execute_in_worker.connect(activity.end, weak=False)
    for each in BEFORE_EACH:
        pre_execute.connect(partial(_call, each), weak=False)
    worker(*arguments)
    if Conf.MAX_RSS == LEAVES:
        sys.exit(os.EX_SOFTWARE)


# That of this process, where it is a worker.
_own: Final[list[Activity]] = []


def is_to_stop() -> bool:
    """Whether the cluster of this worker stops and waits for its present task."""
    return any(activity.is_to_stop for activity in _own)


def leave() -> None:
    """Have this worker end after its present task, as one that is too large. Another one is started."""
    Conf.MAX_RSS = LEAVES


def _call(what: Callable[[], object], **_: object) -> None:
    what()


def as_child(parent: int, target: Callable[..., None], *arguments: object) -> None:
    die_with(parent)
    ignore_signals()
    logger.info("The %s is there at %d", current_process().name, os.getpid())
    target(*arguments)


def die_with(parent: int) -> None:
    """Have Linux kill this process when its parent ends, in whatever way.

    django-q2's children go on working without a parent, beside the cluster that replaces it.
    Elsewhere the sentinel looks from time to time.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(os.EX_SOFTWARE)


def ignore_signals() -> None:
    """SIGTERM or Ctrl-C for the whole group reaches everybody; only the main process acts on it.

    By a function, not by SIG_IGN: that would be passed on to programs which a task starts.
    """
    for number in TO_STOP:
        signal.signal(number, _nothing)


def _nothing(number: int, frame: FrameType | None) -> None:
    pass
