"""The main process of a worker: a cluster for each lane, the wish to stop, and the end."""

import logging
import os
import signal
from collections.abc import Iterable
from multiprocessing.connection import wait
from time import monotonic
from types import FrameType
from typing import Any
from uuid import uuid4

from django.db import connections
from django_q.cluster import get_mp_context

from tasks.queue.lanes import LANES, Lane
from tasks.queue.processes import TO_STOP, Flag, Moment
from tasks.queue.sentinel import Result, as_sentinel

logger = logging.getLogger(__name__)

GLANCE = 0.1  # seconds between two looks at the sentinels and at what signals have left
GRACE = 5.0  # seconds beyond its own bound that a sentinel gets
SILENCE = 120.0  # seconds without a sign of life after which it counts as hanging
PAUSE = 1.0  # seconds before a broken cluster is restarted
SHORT_LIFE = 20.0  # seconds: what breaks sooner than that is not mended by a new start
MOST_SHORT_LIVES = 3


class LaneCluster:
    """The cluster of one lane, which is restarted where only a new start mends it.

    django-q2 stops from within its signal handler, where it waits for processes that the same
    signal may have killed. Here the handler only takes a note.
    """

    def __init__(self, lane: Lane, stop_seconds: int) -> None:
        self.lane = lane
        self._stop_seconds = stop_seconds
        self._short_lives = 0
        self._start()

    def _start(self) -> None:
        self._stop, self._alive, self._began = Flag(), Moment(), Moment()
        self._kill_at: float | None = None
        self._start_at: float | None = None
        connections.close_all()  # a connection must not be shared with a child
        arguments = (self.lane, os.getpid(), uuid4(), self._stop, self._alive, self._stop_seconds)
        self.process: Any = get_mp_context().Process(target=as_sentinel, args=arguments)
        self.process.start()

    def stop(self) -> None:
        """Ask it to finish what it has begun. Asked again, it has no more time than at first."""
        if self._kill_at is None:
            self._stop.set()
            self._kill_at = monotonic() + self._stop_seconds + GRACE

    @property
    def has_ended(self) -> bool:
        return self.process.exitcode is not None

    def watch(self) -> None:
        """Kill its sentinel where that hangs, or has no more time."""
        if self.has_ended:
            return
        if self._kill_at is None and self._alive.age > SILENCE:
            logger.critical(
                "The sentinel of %s gives no sign of life and is killed", self.lane.name
            )
            self.process.kill()
        elif self._kill_at is not None and monotonic() > self._kill_at:
            self.process.kill()

    def restarted(self) -> bool:
        """Whether it lives on after it broke: not where it did so again and again, soon after its start."""
        if self._start_at is None:
            self._short_lives = self._short_lives + 1 if self._began.age < SHORT_LIFE else 0
            if self._short_lives >= MOST_SHORT_LIVES:
                return False
            ended = self.process.exitcode
            logger.critical(
                "The cluster of %s ended with %d and is restarted", self.lane.name, ended
            )
            self._start_at = monotonic() + PAUSE
        elif monotonic() >= self._start_at:
            self._start()
        return True

    @property
    def result(self) -> Result:
        """What it has ended with."""
        ended = self.process.exitcode
        return Result(ended) if ended in list(Result) else Result.BROKEN


class Cluster:
    """One worker from start to end: all of its lanes."""

    def __init__(self, *, stop_seconds: int, lanes: Iterable[str] = LANES) -> None:
        self._stop_seconds = stop_seconds
        self._lanes = [LANES[name] for name in lanes]
        self._asked_to_stop = False
        self._ends_with: Result | None = None

    def run(self) -> Result:
        """Work until SIGTERM or Ctrl-C, or until something is broken that no new start mends."""
        for number in TO_STOP:
            signal.signal(number, self._note)
        clusters = [LaneCluster(lane, self._stop_seconds) for lane in self._lanes]
        while not self._is_over(clusters):
            wait([each.process.sentinel for each in clusters if not each.has_ended], GLANCE)
        results = [each.result for each in clusters]
        return max(results) if self._ends_with is None else self._ends_with

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def _is_over(self, clusters: Iterable[LaneCluster]) -> bool:
        ended = [self._look_after(each) for each in clusters]
        return all(ended)

    @property
    def _ends(self) -> bool:
        return self._asked_to_stop or self._ends_with is not None

    def _look_after(self, cluster: LaneCluster) -> bool:
        """Whether it has ended for good."""
        if self._ends:
            cluster.stop()
        cluster.watch()
        if self._ends or not cluster.has_ended:
            return cluster.has_ended
        if cluster.result is Result.BROKEN and cluster.restarted():
            return False
        self._ends_with = cluster.result
        return True
