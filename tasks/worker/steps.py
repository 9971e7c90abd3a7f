"""The steps of a run, each done once: outside our database under a key, inside it in one transaction."""

from collections.abc import Callable
from typing import cast

from django.db import connection

from tasks.actions.runs.effects import (
    answer_effect,
    begin_effect,
    doubt_effect,
    is_too_old,
    postpone_effect,
    refuse_effect,
    refuse_write,
    write_effect,
)
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.models import Effect, Run
from tasks.queue.kill_points import killpoint
from tasks.queue.outages import patiently
from tasks.secrets.redaction import without_secrets
from tasks.secrets.storage import answer_of
from tasks.worker.heartbeat import Heartbeat
from tasks.worker.log_buffer import LogBuffer


class Steps:
    """What an attempt does step by step. Each raises `NotOurs` or `Cancelled` before it begins."""

    def __init__(self, run: Run, heartbeat: Heartbeat, log_buffer: LogBuffer) -> None:
        self._run = run
        self._heartbeat = heartbeat
        self._log_buffer = log_buffer

    def send[T](self, step: str, send: Callable[[str], T]) -> T:
        """Call `send` with the step's key, unless its answer is known. See `TaskRun.once`."""
        self._get_ready("run.once()")
        step = without_secrets(step, self._log_buffer.redact)
        effect, first = begin_effect(self._run, step)
        if effect.answered_at and not effect.refused:
            return cast(T, answer_of(effect))
        if not first and is_too_old(effect):
            raise OutcomeUnknown(
                f"“{step}” was first sent so long ago that its key may be forgotten. "
                "Look it up before retrying.",
                same_key=False,
            )
        killpoint("step-begun")
        try:
            with self._heartbeat.interruption.allowed():  # it may hang: then nobody knows
                answer = send(effect.key)
        except OutcomeUnknown as unknown:
            said = self._log_buffer.redact(str(unknown))
            doubt_effect(effect, said, same_key=unknown.same_key)
            raise
        except Refused as refusal:
            raise _noted(effect, refusal, self._log_buffer.redact(str(refusal)), first) from refusal
        killpoint("step-sent")
        patiently(lambda: answer_effect(effect, answer, self._log_buffer.redact))
        killpoint("step-answered")
        return answer

    def write[T](self, step: str, write: Callable[[], T]) -> T:
        """Call `write` in one transaction with the step's row. See `TaskRun.write_once`."""
        self._get_ready("run.write_once()")
        step = without_secrets(step, self._log_buffer.redact)
        try:
            return cast(T, write_effect(self._run, step, write, self._log_buffer.redact))
        except Busy:
            raise
        except Refused as refusal:
            refuse_write(self._run, step, self._log_buffer.redact(str(refusal)))
            raise

    def _get_ready(self, caller: str) -> None:
        if connection.in_atomic_block:
            raise RuntimeError(f"{caller} inside a transaction could not commit its step.")
        # What was logged before is read before what happens next.
        self._log_buffer.flush()
        # A worker that was silent for too long must not do any more; the lease is new from here.
        self._heartbeat.check()


def _noted(effect: Effect, refusal: Refused, said: str, first: bool) -> Exception:
    """Write down a refusal, and return what it means for the run."""
    if not (first or effect.answered_at or refusal.looked_up):
        # An earlier call got no answer: this refusal does not speak for that one.
        why = f"Sent before without an answer, and now refused: {said}"
        doubt_effect(effect, why)
        return OutcomeUnknown(why)
    if isinstance(refusal, Busy):
        postpone_effect(effect, said)
    else:
        refuse_effect(effect, said)
    return refusal
