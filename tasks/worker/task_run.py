"""What a task's function is handed: its run."""

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from tasks.models import Run
from tasks.secrets.masking import Redactor
from tasks.worker.children import Child, request_child
from tasks.worker.heartbeat import Heartbeat
from tasks.worker.interruption import Interruption, uninterrupted
from tasks.worker.items import Amount, Items, Report
from tasks.worker.log_buffer import LogBuffer
from tasks.worker.steps import Steps

if TYPE_CHECKING:
    from backoffice.models import User


class TaskRun:
    """The run that is going on: to write its log, and to do things exactly once."""

    def __init__(self, run: Run, heartbeat: Heartbeat, log_buffer: LogBuffer) -> None:
        self._run = run
        self._heartbeat = heartbeat
        self._log_buffer = log_buffer
        self._steps = Steps(run, heartbeat, log_buffer)

    @property
    def _interruption(self) -> Interruption:
        return self._heartbeat.interruption

    @property
    def _redact(self) -> Redactor:
        return self._log_buffer.redact

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

    @uninterrupted
    def log(self, text: object) -> None:
        """Write a line that people see on the run's page, at most a second later."""
        self._log_buffer.write(text)

    @uninterrupted
    def progress(self, done: int, total: int) -> None:
        """Say how far it has come: people see a bar. Cheap enough for each turn of a loop."""
        self._log_buffer.progress(done, total)

    @uninterrupted
    def check_cancelled(self) -> None:
        """Stop here if somebody asked for it. Cheap enough for each turn of a loop.

        Raises `Cancelled`, which is not to be caught.
        """
        self._heartbeat.check_now_and_then()

    @uninterrupted
    def once[T](self, step: str, send: Callable[[str], T]) -> T:
        """Do one thing outside our database, and remember its answer under the step's name.

        `send` is called with an idempotency key that is the same whenever this run tries this
        step. Its answer is JSON, with decimals, dates, times and UUIDs; what cannot be kept so is kept
        and returned as text. A step that an earlier attempt has the answer of is not sent again. The
        intent is committed before `send` is called: RuntimeError inside a transaction. ValueError for a
        name that this attempt has used before.
        """
        return self._steps.send(self._steps.named(step), send)

    @uninterrupted
    def write_once[T](
        self, step: str, write: Callable[[], T], *, using: str = DEFAULT_DB_ALIAS
    ) -> T:
        """Do one thing that writes to one database and nowhere else: to our own one, exactly once.

        `write` is called in the transaction that records the step: both are there, or neither. Its
        answer is JSON, as that of `once`, and returned instead of a second call: TypeError where it is
        not, and nothing is written. RuntimeError inside a transaction, NotAllowedHere for a write to
        another database.

        `using` names another database. There all of it is written or nothing, and at most once: the step
        is recorded before and after. If the worker dies in between, its outcome is unknown.
        """
        return self._steps.write(self._steps.named(step), write, using)

    @uninterrupted
    def each[I](
        self,
        step: str,
        items: Iterable[I],
        send: Callable[[I, str], object],
        *,
        key: Callable[[I], Hashable],
        label: Callable[[I], str] = str,
        amount: Callable[[I], Amount] | None = None,
    ) -> Report:
        """Do the same outside our database for each of many items, each one once.

        `send` is called with an item and its idempotency key, as by `once`. `key` names an item for
        ever; `label` is what people read; `amount`, a number or a Money, is what it comes to, for a
        limit on the amount. Between two items the run may pause, by its limits or because somebody
        asked: what follows this call may happen days later. People see how far it has come, and what became of each
        item: done, refused, without an answer, not begun. After an interruption it goes on where it
        stopped. A refused item does not stop the others; return the report, or raise, to say
        what that means for the run. Raises ItemsDiffer when a later attempt brings other items,
        ValueError for two items with one key, and for a name that this attempt has used before.
        """
        return self._each(
            step,
            Items(step, items, key=key, label=label, amount=amount, redact=self._redact),
            lambda name, item: self._steps.send(name, lambda key_: send(item, key_)),
        )

    @uninterrupted
    def write_each[I](  # noqa: PLR0913 - what is done with each item, what it is called, and where
        self,
        step: str,
        items: Iterable[I],
        write: Callable[[I], object],
        *,
        key: Callable[[I], Hashable],
        label: Callable[[I], str] = str,
        amount: Callable[[I], Amount] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> Report:
        """The same for items that are only written to one database, as by `write_once`."""
        return self._each(
            step,
            Items(step, items, key=key, label=label, amount=amount, redact=self._redact),
            lambda name, item: self._steps.write(name, lambda: write(item), using),
        )

    @uninterrupted
    def task(self, slug: str, /, *, step: str = "", because: str = "", **values: object) -> Child:
        """Ask for a run of another task, once, and return it: it has its own rights, rules and approval.

        It is requested by who requested this run, with the same reason unless `because` gives another,
        and does not wait: it may be awaiting approval. `values` are the parameters of that task, by name. Of two
        runs of one task that this run asks for, each has a `step` of its own; a later attempt finds
        the one that is there. Raises `Refused` where that person may not ask for it, or a value is
        wrong.
        """
        self._heartbeat.check()
        return request_child(self._run, slug, step, because, values)

    def _each[I](self, step: str, items: Items[I], act: Callable[[str, I], object]) -> Report:
        self._steps.begin(self._steps.named(step))
        items.plan(self._run)
        return items.do(self._run, self._heartbeat, self._log_buffer, act)
