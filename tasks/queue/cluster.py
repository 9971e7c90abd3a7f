"""The main process of a cluster: starts the sentinel, passes on the wish to stop, reports the end."""

import logging
import os
import signal
from time import monotonic
from types import FrameType
from typing import Any
from uuid import uuid4

from django.db import connections
from django_q.cluster import get_mp_context

from tasks.queue.processes import TO_STOP, Flag, Moment
from tasks.queue.sentinel import Result, as_sentinel

logger = logging.getLogger(__name__)

GLANCE = 0.1  # seconds between two looks at the sentinel and at what signals have left
GRACE = 5.0  # seconds beyond its own bound that the sentinel gets
SILENCE = 120.0  # seconds without a sign of life after which it counts as hanging


class Cluster:
    """One cluster from start to end.

    django-q2 stops from within its signal handler, where it waits for processes that the same
    signal may have killed. Here the handler only takes a note.
    """

    def __init__(self, *, stop_seconds: int) -> None:
        self._stop_seconds = stop_seconds
        self._stop, self._alive = Flag(), Moment()
        self._asked_to_stop = False
        self._kill_at: float | None = None

    def run(self) -> Result:
        """Work until SIGTERM or Ctrl-C, or until something is broken that only a new start mends."""
        for number in TO_STOP:
            signal.signal(number, self._note)
        connections.close_all()  # a connection must not be shared with a child
        arguments = (os.getpid(), uuid4(), self._stop, self._alive, self._stop_seconds)
        sentinel = get_mp_context().Process(target=as_sentinel, args=arguments)
        sentinel.start()
        while sentinel.exitcode is None:
            self._watch(sentinel)
            sentinel.join(GLANCE)
        return self._result(sentinel.exitcode)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def _watch(self, sentinel: Any) -> None:  # noqa: ANN401
        if self._kill_at is None:
            if self._asked_to_stop:
                self._stop.set()
                self._kill_at = monotonic() + self._stop_seconds + GRACE
            elif self._alive.age > SILENCE:
                logger.critical("The sentinel gives no sign of life and is killed")
                sentinel.kill()
        elif monotonic() > self._kill_at:
            sentinel.kill()

    def _result(self, ended_with: int) -> Result:
        if ended_with in list(Result):
            return Result(ended_with)
        logger.critical("The sentinel ended with %d: the cluster has to be restarted", ended_with)
        return Result.BROKEN
