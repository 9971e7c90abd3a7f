"""What a run writes while it goes on: kept for a moment, then written down together."""

import threading
import time
from typing import Final

from tasks.actions.runs.effects import show_progress, write_lines
from tasks.models import Run
from tasks.secrets.masking import Redactor

TOGETHER: Final = 100  # lines after which nobody waits for the next second
MOST_LINES: Final = 100_000  # of one attempt: a loop that has gone wild fills no disk


class LogBuffer:
    """The log lines and the progress of one attempt.

    Lines are written once a second, a hundred times cheaper than one by one. They are written by
    the heartbeat's thread, on its own connection: what a task logs in a transaction that it rolls back
    is logged all the same.
    """

    def __init__(self, run: Run, redact: Redactor) -> None:
        self._run = run
        self.redact = redact
        self._lines: list[tuple[float, str]] = []
        self._left = MOST_LINES
        self._progress: tuple[int, int] | None = None
        self._writing = threading.Lock()
        self.many = threading.Event()

    def write(self, text: str) -> None:
        """Add a line."""
        if self._left <= 0:
            return
        self._left -= 1
        if not self._left:
            text = f"The log ends here, after {MOST_LINES:,} lines. The run continues."
        self._lines.append((time.monotonic(), self.redact(text)))
        if len(self._lines) >= TOGETHER:
            self.many.set()

    def progress(self, done: int, total: int) -> None:
        """Remember how far it has come. Only the newest is written."""
        self._progress = (done, total)

    def flush(self) -> None:
        """Write what has come together. Lines stay in their order, whoever calls.

        Raises DatabaseError; then the lines are kept, and written by the next call.
        """
        with self._writing:
            self.many.clear()
            self._write_lines()
            progress, self._progress = self._progress, None
            if progress:
                show_progress(self._run, *progress)

    def _write_lines(self) -> None:
        # Another thread may add some meanwhile, at the end: they stay for the next time.
        if lines := self._lines[:]:
            write_lines(self._run, lines)
            del self._lines[: len(lines)]
