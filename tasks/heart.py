"""The sign of life of a run: a thread that extends its lease, and hears that it shall stop."""

import logging
import threading
import time
from types import TracebackType
from typing import Final, Self

from django.db import DatabaseError, connection

from tasks.actions.runs import extend_lease, lease
from tasks.errors import Cancelled, NotOurs
from tasks.models import Run

logger = logging.getLogger(__name__)

LOOKS_EVERY: Final = 1.0  # seconds: a loop may ask as often as it likes


class Heart:
    """Beats three times in a lease, from a database connection of its own, while the block runs."""

    def __init__(self, run: Run) -> None:
        self._run = run
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
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(lease().total_seconds() / 3):
                self._extend()
        finally:
            connection.close()

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
