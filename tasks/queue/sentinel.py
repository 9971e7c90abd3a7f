"""The process that starts the others, replaces them, and knows when to give the cluster up.

django-q2 replaces whatever has died. But a process that dies at the wrong moment leaves a queue of
the cluster locked, and from then on everybody is alive and nothing happens. Here such a cluster
ends at once with a result of its own, and whoever supervises it starts it anew.
"""

import logging
import os
import signal
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from multiprocessing import Value, active_children
from multiprocessing.connection import wait
from threading import Timer
from typing import Any, NoReturn
from uuid import UUID

from django.db import Error, close_old_connections, connections
from django_q.cluster import Sentinel, get_mp_context
from django_q.conf import Conf
from django_q.worker import worker

from tasks.models import Sign
from tasks.queue.broker import Delivery, PostgresBroker
from tasks.queue.clock import ClockWatch
from tasks.queue.lanes import RUNS, Lane
from tasks.queue.messages import enqueue_pump, enqueue_sweep, enqueue_sweep_if_due
from tasks.queue.processes import (
    TO_STOP,
    Activity,
    Flag,
    Moment,
    as_child,
    as_worker,
    die_with,
    ignore_signals,
)
from tasks.queue.releases import current, superseded
from tasks.queue.signs import give
from tasks.queue.transport import monitor, pusher

logger = logging.getLogger(__name__)

FLUSH = 5.0  # seconds for a worker that leaves to hand over its last result
STALLED = 60.0  # seconds without a movement that should be there
LOOKS = 10.0  # seconds between two signs of life, and looks at what is due


class Result(IntEnum):
    """What the cluster's main process ends with. A supervisor starts it anew, but after a stop."""

    STOPPED = 0
    BROKEN = os.EX_SOFTWARE
    CUT_OFF = os.EX_TEMPFAIL
    OUTDATED = os.EX_CONFIG


class WatchedBroker(PostgresBroker):
    """Leaves a trace of whoever uses it, for the sentinel to see."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self.asked, self.acknowledged = Moment(), Moment()

    def dequeue(self) -> list[tuple[Delivery, str]] | None:
        self.asked.mark()
        return super().dequeue()

    def acknowledge(self, task_id: Delivery) -> None:
        self.acknowledged.mark()
        super().acknowledge(task_id)


def as_sentinel(
    lane: Lane, parent: int, cluster: UUID, stop: Flag, alive: Moment, seconds: int
) -> None:
    """The life of the process. Returns after `stop`, or ends it with a `Result`."""
    die_with(parent)
    # django-q2's constructor makes SIGTERM deadly for a moment.
    signal.pthread_sigmask(signal.SIG_BLOCK, TO_STOP)
    sentinel = Guard(stop, Flag(), cluster, WatchedBroker(lane.queue), start=False)
    ignore_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TO_STOP)
    os.nice(lane.niceness)
    sentinel.work_at(lane)
    sentinel.alive, sentinel.parent_pid, sentinel.stop_seconds = alive, parent, seconds
    try:
        sentinel.start()
    except Exception:
        logger.exception("The cluster cannot continue")
        give_up(Result.BROKEN)
    kill_children()


def give_up(result: Result) -> NoReturn:
    """End this process and its children, asking for no lock and waiting for nobody."""
    kill_children()
    os._exit(result)


def kill_children() -> None:
    # Python would send SIGTERM at our end, to which they are deaf, and wait for them.
    for child in active_children():
        child.kill()


class Guard(Sentinel):  # type: ignore[misc]  # untyped
    """django-q2's sentinel with another guard loop. What it starts and how it stops is the same."""

    broker: WatchedBroker
    alive: Moment
    stop_seconds: int
    lane = RUNS

    def work_at(self, lane: Lane) -> None:
        self.lane, self.pool_size, self.timeout = lane, lane.workers, lane.timeout
        self._clock = ClockWatch()

    def spawn_process(self, target: Any, *arguments: Any) -> Any:  # noqa: ANN401
        activity = Activity(arguments[2]) if target is worker else None
        task = (as_worker, activity) if activity else (target,)
        process = get_mp_context().Process(
            name=f"{self.lane.name} {target.__name__}",
            target=as_child,
            args=(os.getpid(), *task, *arguments),
            daemon=True,
        )
        if activity:
            process.activity = activity
            self.pool.append(process)
        process.start()
        return process

    def spawn_worker(self) -> None:
        timer = Value("f", -1)
        self.spawn_process(worker, self.task_queue, self.result_queue, timer, self.timeout)

    def spawn_pusher(self) -> Any:  # noqa: ANN401
        return self.spawn_process(pusher, self.task_queue, self.event_out, self.broker)

    def spawn_monitor(self) -> Any:  # noqa: ANN401
        return self.spawn_process(monitor, self.result_queue, self.broker)

    def guard(self) -> None:
        self._current: frozenset[str] = self._asked(current, frozenset())
        logger.info("Cluster of %s is running, with %d workers", self.lane.name, len(self.pool))
        self.start_event.set()
        self._asked(enqueue_sweep if self.lane is RUNS else enqueue_pump, None)
        self._flowing = Moment()
        looked: Moment | None = None
        while not self.stop_event.is_set():
            self.alive.mark()
            for each in list(self.pool):
                self._look_after_worker(each)
            self._look_after_helpers()
            self._look_after_queues()
            if os.getppid() != self.parent_pid:
                self._broken("the main process has ended")
            if looked is None or looked.age > LOOKS:
                looked = Moment()
                self._asked(self._look_at_the_database, None)
                self._leave_if_outdated()
            processes = (each.sentinel for each in (*self.pool, self.monitor, self.pusher))
            wait([self.stop_event.reader, *processes], timeout=Conf.GUARD_CYCLE)
        self.stop()

    def _look_at_the_database(self) -> None:
        close_old_connections()
        give(self.lane.sign)
        if self.lane is RUNS:
            self._clock.look()
            if self._clock.can_be_trusted:
                enqueue_sweep_if_due()

    def _leave_if_outdated(self) -> None:
        """After a deploy, finish what has begun and end: a new start brings the new code.

        Only for what was current when this cluster started. One that is started anew with old code
        declines runs, and does not end again and again.
        """
        gone: list[str] = self._asked(partial(superseded, self._current), [])
        if gone:
            logger.warning(
                "New code for %s: the cluster ends and has to be restarted",
                ", ".join(gone),
            )
            self.stop()
            give_up(Result.OUTDATED)

    def _asked[T](self, question: Callable[[], T], otherwise: T) -> T:
        try:
            return question()
        except Error as error:
            logger.warning("Look skipped: the database is unreachable: %s", error)
            connections.close_all()
            return otherwise

    def stop(self) -> None:
        """Finish what is in memory, and no longer than the bound; then it is cut off."""
        bound = Timer(self.stop_seconds, self._cut_off)
        bound.daemon = True
        bound.start()
        for each in self.pool:
            each.activity.ask_to_stop()
        super().stop()
        bound.cancel()

    def _cut_off(self) -> None:
        logger.critical("Not stopped after %d s: what still runs is cut off", self.stop_seconds)
        give_up(Result.CUT_OFF)

    def _look_after_worker(self, process: Any) -> None:  # noqa: ANN401
        if process.exitcode is None:
            self._end_if_it_should(process)
        if process.exitcode is None:
            return
        if why := self._left_locked(process):
            self._broken(f"worker {process.pid} {why}")
        if process.exitcode or not process.activity.leaving:
            logger.error("Worker %d ended with %d in a task", process.pid, process.exitcode)
            self._asked(partial(give, Sign.Name.REPLACED), None)
        self.pool.remove(process)
        connections.close_all()
        self.spawn_worker()

    def _end_if_it_should(self, process: Any) -> None:  # noqa: ANN401
        if process.activity.leaving:
            # django-q2 ends it at once, and now and then its last result with it (#339).
            process.join(FLUSH)
        elif process.activity.overdue:
            logger.critical("Worker %d did not stop its task in time and is killed", process.pid)
        else:
            return
        process.kill()
        process.join()

    def _left_locked(self, process: Any) -> str:  # noqa: ANN401
        """What a dead worker may have taken with it. Empty when nothing."""
        activity = process.activity
        if process.exitcode < 0 and not (activity.busy or activity.leaving):
            return "was killed while it may have held a queue"
        if process.exitcode and not self._results_can_be_written():
            return "died while it wrote a result"
        return ""

    def _results_can_be_written(self) -> bool:
        """A worker's thread may still write an earlier result while the next task runs."""
        lock = self.result_queue._wlock  # noqa: SLF001 - no public way to see it
        if free := lock.acquire(timeout=1):
            lock.release()
        return bool(free)

    def _look_after_helpers(self) -> None:
        for name in ("monitor", "pusher"):
            process = getattr(self, name)
            if process.exitcode is None:
                continue
            if process.exitcode < 0:
                self._broken(f"the {name} was killed while it may have held a queue")
            logger.error("The %s ended with %d and is replaced", name, process.exitcode)
            connections.close_all()
            setattr(self, name, getattr(self, f"spawn_{name}")())

    def _look_after_queues(self) -> None:
        if not (why := self._stuck()):
            self._flowing.mark()
        elif self._flowing.age > STALLED:
            self._broken(f"for {STALLED:.0f} seconds {why}")

    def _stuck(self) -> str:
        """What should have moved since the queues were last seen to flow. Empty when all is well."""
        still = self._flowing.age
        if waiting(self.result_queue) and self.broker.acknowledged.age > still:
            return "results have waited and none was acknowledged"
        if all(each.activity.busy for each in self.pool):
            return ""
        if self.broker.asked.age > still:
            return "no messages were fetched while a worker was free"
        if waiting(self.task_queue) and all(p.activity.began.age > still for p in self.pool):
            return "a message has waited in memory while a worker was free"
        return ""

    def _broken(self, why: str) -> NoReturn:
        logger.critical("The cluster ends and has to be restarted: %s", why)
        give_up(Result.BROKEN)


def waiting(queue: Any) -> bool:  # noqa: ANN401
    """Whether something is in it. Its own `qsize` asks for a lock that a dead process may hold."""
    return bool(queue.size.count.get_obj().value > 0)
