"""What a task's function is handed: its run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db import connection

from tasks.actions.effects import (
    answer_effect,
    begin_effect,
    refuse_effect,
    sent_too_long_ago,
    show_progress,
    write_line,
)
from tasks.errors import OutcomeUnknown, Refused
from tasks.heart import Heart
from tasks.models import Run

if TYPE_CHECKING:
    from backoffice.models import User


class TaskRun:
    """The run that is going on: to write its log, and to do things outside exactly once."""

    def __init__(self, run: Run, heart: Heart) -> None:
        self._run = run
        self._heart = heart

    @property
    def id(self) -> UUID:
        """The run's id."""
        return self._run.pk

    @property
    def requested_by(self) -> "User":
        """The person who asked for it."""
        return self._run.requested_by

    @property
    def reason(self) -> str:
        """Why that person asked for it."""
        return self._run.reason

    def log(self, text: str) -> None:
        """Write a line that people see on the run's page as it is written."""
        write_line(self._run, text)

    def progress(self, done: int, total: int) -> None:
        """Say how far it has come: people see a bar."""
        show_progress(self._run, done, total)

    def check_cancelled(self) -> None:
        """Stop here if somebody asked for it. Cheap enough for each turn of a loop.

        Raises `Cancelled`, which is not to be caught.
        """
        self._heart.check_now_and_then()

    def once[T](self, step: str, send: Callable[[str], T]) -> T:
        """Do one thing outside our database, and remember its answer under the step's name.

        `send` is called with an idempotency key that is the same whenever this run tries this
        step; its answer must be JSON. A step that was answered before is not sent again. The
        intent is committed before `send` is called: RuntimeError inside a transaction.
        """
        if connection.in_atomic_block:
            raise RuntimeError("run.once() inside a transaction could not commit its intent first.")
        # A worker that was silent for too long must not send any more; the lease is new from here.
        self._heart.check()
        effect, first = begin_effect(self._run, step)
        if effect.answered_at and not effect.refused:
            return cast(T, effect.answer)
        if not first and sent_too_long_ago(self._run):
            raise OutcomeUnknown(
                f"“{step}” was first sent so long ago that its key may be forgotten. "
                "Look it up before anybody sends it again.",
                same_key=False,
            )
        try:
            answer = send(effect.key)
        except Refused as refusal:
            if not (first or effect.answered_at or refusal.looked_up):
                # An earlier call got no answer: this refusal does not speak for that one.
                raise OutcomeUnknown(
                    f"It was sent before without an answer, and refused now: {refusal}"
                ) from refusal
            refuse_effect(effect)
            raise
        answer_effect(effect, answer)
        return answer
