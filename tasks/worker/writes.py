"""Whether a task's own code has written to a database outside of its steps: that stays, and nobody recorded it."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from django.db import connections

from tasks.actions.runs.lifecycle import Outcome
from tasks.models import Run
from tasks.worker.interruption import Interruption

IT_STAYS: Final = "It may have written to a database before it failed. That stays: check before you request it again."
_WRITES: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|CALL|DO|CREATE|ALTER|DROP"
    r"|WITH\b.*\b(?:INSERT|UPDATE|DELETE|MERGE))\b",
    re.IGNORECASE | re.DOTALL,
)


class Writes:
    """Looks at the statements of this thread, in every database, while the author's code is at work."""

    def __init__(self) -> None:
        self._seen = False
        self._interruption: Interruption | None = None
        self._watched = ExitStack()

    def by(self, interruption: Interruption) -> Self:
        """Tell the author's code from that of this package by what may be interrupted."""
        self._interruption = interruption
        return self

    def __enter__(self) -> Self:
        for connection in connections.all():
            self._watched.enter_context(connection.execute_wrapper(self._look))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._watched.close()

    def _look(self, execute: Callable[..., Any], sql: Any, *arguments: Any) -> Any:  # noqa: ANN401
        by_author = self._interruption is not None and self._interruption.is_allowed
        self._seen = self._seen or (by_author and is_write(sql))
        return execute(sql, *arguments)

    def said_of(self, outcome: Outcome) -> Outcome:
        """A failure that says so."""
        if not self._seen or outcome.status != Run.Status.FAILED or outcome.output is not None:
            return outcome
        return replace(outcome, error=f"{outcome.error} {IT_STAYS}")


def is_write(sql: object) -> bool:
    """Whether a statement changes something, as far as its first word tells."""
    return isinstance(sql, str) and _WRITES.match(sql) is not None
