"""The sign of life of a run: a thread that extends its lease, and writes down what it says."""

import logging
import threading
import time
from types import TracebackType
from typing import Final, Self

from django.db import DatabaseError, connection

from tasks.actions.runs import extend_lease, lease
from tasks.errors import Cancelled, NotOurs
from tasks.journal import Journal
from tasks.models import Run

logger = logging.getLogger(__name__)

BEATS_EVERY: Final = 1.0  # seconds: nobody reads a line later than that
LOOKS_EVERY: Final = 1.0  # seconds: a loop may ask as often as it likes


class Heart:
    """Beats while the block runs, from a database connection of its own.

    Each second it writes what the journal holds, and three times in a lease it extends the lease.
    """

    def __init__(self, run: Run, journal: Journal) -> None:
        self._run = run
        self._journal = journal
        self._stop = threading.Event()
        self._looked_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat, name=f"heart of {run.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.set()
        self._journal.many.set()  # wakes the thread
        self._thread.join()

    def _beat(self) -> None:
        extended_at = time.monotonic()
        try:
            while not self._stopped_after(BEATS_EVERY):
                self._write()
                if time.monotonic() - extended_at >= lease().total_seconds() / 3:
                    self._extend()
                    extended_at = time.monotonic()
        finally:
            connection.close()

    def _stopped_after(self, seconds: float) -> bool:
        self._journal.many.wait(seconds)
        return self._stop.is_set()

    def _write(self) -> None:
        try:
            self._journal.flush()
        except DatabaseError:
            logger.exception("Run %s could not write its log", self._run.pk)
            connection.close()
            self._stop.wait(BEATS_EVERY)

    def _extend(self) -> None:
        try:
            extend_lease(self._run.pk, attempt=self._run.attempt)
        except DatabaseError:
            # The next beat tries again. If none succeeds, the lease runs out, as it should.
            logger.exception("Run %s could not extend its lease", self._run.pk)
            connection.close()

    def check(self) -> None:
        """Raise `NotOurs` if the run was taken from this worker, `Cancelled` if it shall stop."""
        seen = extend_lease(self._run.pk, attempt=self._run.attempt)
        if seen is None:
            raise NotOurs("This run was given to another worker.")
        if seen.cancel_asked_at:
            raise Cancelled("It was stopped, as somebody asked.")

    def check_now_and_then(self) -> None:
        """The same, at most once a second."""
        if time.monotonic() - self._looked_at >= LOOKS_EVERY:
            self._looked_at = time.monotonic()
            self.check()
