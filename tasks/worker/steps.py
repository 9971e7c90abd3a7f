"""The steps of a run, each done once: outside our database under a key, inside it in one transaction."""

from collections.abc import Callable
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction

from tasks.actions.runs.effects import (
    answer_effect,
    begin_effect,
    doubt_effect,
    is_too_old,
    postpone_effect,
    refuse_effect,
    refuse_write,
    reopen_effect,
    write_effect,
    written_by,
)
from tasks.databases import writing_only_to
from tasks.declaration.calling import author_code
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.declaration.texts import said
from tasks.models import Effect, Run
from tasks.models.answers import stored_answer
from tasks.queue.kill_points import killpoint
from tasks.queue.outages import OUTAGE, patiently
from tasks.secrets.bounds import bounded
from tasks.secrets.redaction import LONGEST, without_secrets
from tasks.secrets.storage import answer_of
from tasks.worker.heartbeat import Heartbeat
from tasks.worker.log_buffer import LogBuffer
from tasks.worker.sessions import is_open


class Steps:
    """What an attempt does step by step. Each raises `NotOurs` or `Cancelled` before it begins."""

    def __init__(self, run: Run, heartbeat: Heartbeat, log_buffer: LogBuffer) -> None:
        self._run = run
        self._heartbeat = heartbeat
        self._log_buffer = log_buffer
        self._begun: set[str] = set()

    def named(self, step: str) -> str:
        """A step's name as it is kept: without secrets. Raises ValueError for what can be no name."""
        if not _is_name(step):
            raise ValueError(f"A step is named by a text of 1 to {LONGEST} characters.")
        return without_secrets(step, self._log_buffer.redact)

    def begin(self, step: str) -> None:
        """Raise ValueError for a name that this attempt has used before.

        The second of that name would get the answer of the first, and nothing would be sent.
        """
        if step in self._begun:
            raise ValueError(
                f"The step “{step}” was begun before in this attempt, so it was not begun again. "
                "Give each step a name of its own, such as with the number of what it is about."
            )
        self._begun.add(step)

    def send[T](self, step: str, send: Callable[[str], T]) -> T:
        """Call `send` with the step's key, unless its answer is known. See `TaskRun.once`.

        `step` is the name that is kept: of `named`, or that of an item.
        """
        self.begin(step)
        self._get_ready("run.once()")
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
            doubt_effect(effect, self._said(unknown), same_key=unknown.same_key)
            raise
        except Refused as refusal:
            raise _noted(effect, refusal, self._said(refusal), first) from refusal
        killpoint("step-sent")
        stored = self._stored(step, answer)
        patiently(lambda: answer_effect(effect, stored, self._log_buffer.redact))
        killpoint("step-answered")
        return cast(T, stored)

    def write[T](self, step: str, write: Callable[[], T], using: str) -> T:
        """Call `write` in one transaction with the step's row. See `TaskRun.write_once`."""
        self.begin(step)
        self._get_ready("run.write_once()")

        def written() -> T:
            with author_code():
                return write()

        if using != DEFAULT_DB_ALIAS:
            return self._write_elsewhere(step, written, using)
        try:
            return cast(T, write_effect(self._run, step, written, self._log_buffer.redact))
        except Busy:
            raise
        except Refused as refusal:
            refuse_write(self._run, step, self._said(refusal))
            raise

    def _write_elsewhere[T](self, step: str, write: Callable[[], T], using: str) -> T:
        """The same in another database: all of it or nothing there, and its row before and after."""
        if is_open(connections[using]):
            raise RuntimeError(
                f"run.write_once() inside a transaction of “{using}” could not commit."
            )
        effect, first = begin_effect(self._run, step)
        if effect.answered_at and not effect.refused:
            return cast(T, answer_of(effect))
        if effect.refused:
            reopen_effect(effect)
        elif not first:
            raise OutcomeUnknown(
                f"“{step}” was begun before, and nobody recorded how it ended: it may have been "
                f"written to the database “{using}”. Look there.",
                same_key=False,
            )
        killpoint("step-begun")
        stored = self._written(effect, write, using)
        killpoint("step-sent")
        patiently(lambda: answer_effect(effect, stored, self._log_buffer.redact))
        killpoint("step-answered")
        return cast(T, stored)

    def _written(self, effect: Effect, write: Callable[[], object], using: str) -> Any:  # noqa: ANN401 - its answer
        written = False
        try:
            with (
                self._heartbeat.not_asked(),
                writing_only_to(using),
                transaction.atomic(using=using),
            ):
                stored = written_by(effect.step, write)
                written = True
        except BaseException as error:
            if written and not _was_refused(error):
                raise self._unknown(effect, error, using) from error
            note = refuse_effect if _is_final(error) else postpone_effect
            note(effect, self._said(error))  # nothing is written there: it was not committed
            raise
        return stored

    def _unknown(self, effect: Effect, error: BaseException, using: str) -> OutcomeUnknown:
        doubt_effect(effect, self._said(error), same_key=False)
        return OutcomeUnknown(
            f"“{effect.step}” was written, and the database “{using}” did not confirm that it is "
            "committed. Look there.",
            same_key=False,
        )

    def _stored(self, step: str, answer: object) -> Any:  # noqa: ANN401 - the answer
        """The answer as a later attempt gets it: as text where it cannot be kept. It is sent already."""
        try:
            return stored_answer(answer)
        # Whatever its own code raises: what was sent is answered.
        except Exception as error:
            self._log_buffer.write(
                f"The answer of “{step}” could not be kept as it is: {said(error)}. It is kept as text."
            )
            return self._said(answer)

    def _said(self, what: object) -> str:
        return bounded(said(what), self._log_buffer.redact)

    def _get_ready(self, caller: str) -> None:
        if is_open(connections[DEFAULT_DB_ALIAS]):
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


def _is_name(step: object) -> bool:
    return isinstance(step, str) and 0 < len(step) <= LONGEST and "\0" not in step


def _is_final(error: BaseException) -> bool:
    return isinstance(error, Refused) and not isinstance(error, Busy)


def _was_refused(error: BaseException) -> bool:
    """Whether the database has answered a commit with an error, as by a constraint that is deferred."""
    return isinstance(error, DatabaseError) and not isinstance(error, OUTAGE)
