"""What a run writes while it goes on: kept for a moment, then written down together."""

import threading
import time
from typing import Final

from tasks.actions.runs.effects import show_progress, write_lines
from tasks.declaration.texts import said
from tasks.models import Run
from tasks.secrets.bounds import bounded
from tasks.secrets.masking import Redactor

TOGETHER: Final = 100  # lines after which nobody waits for the next second
MOST_LINES: Final = 100_000  # of one attempt: a loop that has gone wild fills no disk
MOST_CHARACTERS: Final = 20_000_000  # of all of them
MOST_STEPS: Final = 2**31 - 1  # as the column can hold it


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
        self._characters_left = MOST_CHARACTERS
        self._progress: tuple[int, int] | None = None
        self._writing = threading.Lock()
        self.many = threading.Event()

    def write(self, text: object) -> None:
        """Add a line."""
        if self._left <= 0:
            return
        line = bounded(said(text), self.redact)
        self._left -= 1
        self._characters_left -= len(line)
        if not self._left:
            line = _end_after(f"{MOST_LINES:,} lines")
        elif self._characters_left < 0:
            self._left = 0
            line = _end_after(f"{MOST_CHARACTERS:,} characters")
        self._lines.append((time.monotonic(), line))
        if len(self._lines) >= TOGETHER:
            self.many.set()

    def progress(self, done: int, total: int) -> None:
        """Remember how far it has come. Only the newest is written. Raises TypeError for no numbers."""
        self._progress = (_whole(done), _whole(total))

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


def _end_after(so_much: str) -> str:
    return f"The log ends here, after {so_much}. The run continues."


def _whole(number: int) -> int:
    """A number of steps, whatever the task counts. Raises TypeError or ValueError where it is none."""
    return max(0, min(int(number), MOST_STEPS))
