"""The sign of life of a run: beside it, its lease is extended and what it says is written down."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from django.conf import settings
from django.db import DatabaseError, connection

from audit.database.clock import database_now
from tasks.actions.runs.lifecycle import extend_lease, lease
from tasks.declaration.errors import Cancelled, NotOurs
from tasks.models import Run
from tasks.worker.heartbeat_thread import BEATS_EVERY, start_heartbeat
from tasks.worker.interruption import Interruption
from tasks.worker.log_buffer import LogBuffer

logger = logging.getLogger(__name__)

LOOKS_EVERY: Final = 1.0  # seconds: a loop may ask as often as it likes


class Heartbeat:
    """Beats while the block runs, in another thread, with a database connection of its own.

    Each second it writes what the log buffer holds: nobody reads a line later than that. Three times in
    a lease it extends the lease, and hears then that somebody wants the run to stop.
    """

    def __init__(self, run: Run, log_buffer: LogBuffer, interruption: Interruption) -> None:
        self.interruption = interruption
        self.pause_is_asked = False  # somebody wants it to stop before its next item
        self._force_at: float | None = None  # when a run that goes on is stopped by force
        self._run = run
        self._log_buffer = log_buffer
        self._looked_at = self._extended_at = time.monotonic()
        self._writes_from = 0.0  # not before, after it could not write

    def __enter__(self) -> Self:
        self._thread = start_heartbeat(self)
        self._log_buffer.many = self._thread.awake
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._thread.end()

    def beat(self) -> float:
        """Write, extend the lease, stop by force, where it is time. Seconds until the next beat."""
        self._write()
        if time.monotonic() - self._extended_at >= _extends_every():
            self._extended_at = time.monotonic()
            self._extend()
        self._stop_by_force()
        return self._pause()

    def _pause(self) -> float:
        if self._force_at is None:
            return BEATS_EVERY
        return min(BEATS_EVERY, max(self._force_at - time.monotonic(), 0.1))

    def _write(self) -> None:
        if time.monotonic() < self._writes_from:
            return
        try:
            self._log_buffer.flush()
        # Whatever it is: without a heartbeat the run would lose its worker.
        except Exception:
            logger.exception("Run %s could not write its log", self._run.pk)
            connection.close()
            self._writes_from = time.monotonic() + BEATS_EVERY

    def _stop_by_force(self) -> None:
        """Once in each period of grace: code that swallows it ends by its time-out at the latest."""
        if self._force_at is not None and time.monotonic() >= self._force_at:
            logger.warning(
                "Run %s did not end after its cancellation: ended by force", self._run.pk
            )
            self._force_at = time.monotonic() + max(settings.CANCEL_GRACE_SECONDS, 1)
            self.interruption.interrupt()

    def _extend(self) -> None:
        try:
            seen = extend_lease(self._run.pk, attempt=self._run.attempt)
            if seen and seen.cancel_asked_at and self._force_at is None:
                asked = (database_now() - seen.cancel_asked_at).total_seconds()
                self._force_at = time.monotonic() + settings.CANCEL_GRACE_SECONDS - asked
        except DatabaseError:
            # The next beat tries again. If none succeeds, the lease runs out, as it should.
            logger.exception("Run %s could not extend its claim", self._run.pk)
            connection.close()

    def check(self) -> None:
        """Raise `NotOurs` if the run was taken from this worker, `Cancelled` if it shall stop."""
        seen = extend_lease(self._run.pk, attempt=self._run.attempt)
        if seen is None:
            raise NotOurs("Another worker has taken over this run.")
        if seen.cancel_asked_at:
            raise Cancelled("Cancelled on request.")
        self.pause_is_asked = seen.pause_asked_at is not None

    def check_now_and_then(self) -> None:
        """The same, at most once a second."""
        if time.monotonic() - self._looked_at >= LOOKS_EVERY:
            self._looked_at = time.monotonic()
            self.check()

    @contextmanager
    def not_asked(self) -> Iterator[None]:
        """Have `check_now_and_then` do nothing where our own database is read only."""
        looked_at, self._looked_at = self._looked_at, math.inf
        try:
            yield
        finally:
            self._looked_at = looked_at


def _extends_every() -> float:
    """Seconds: well within a lease, and soon enough to hear of a wish to stop within the grace."""
    grace = float(settings.CANCEL_GRACE_SECONDS)
    return min(lease().total_seconds() / 3, max(grace / 3, 1))
