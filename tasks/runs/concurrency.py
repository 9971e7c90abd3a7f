"""Runs that exclude each other, and whose turn it is among those that wait.

Two runs exclude each other when they have the same key. Whoever decides about a key holds its lock
until the transaction ends; who also locks rows of runs, locks these first.

Who requests a run holds its key while its author's code checks the values, for many seconds. So nobody
waits long for a key who has a run to begin or to end: the sweep comes back to what they leave.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Now

from audit.transitions import Refusal
from tasks import locks, parameters
from tasks.declaration.registry import RegisteredTask
from tasks.models import OPEN, Run
from tasks.parameters.words import words
from tasks.queue import messages

Status = Run.Status

LONGEST_KEY: Final = 200
PATIENCE: Final = 2.0  # seconds, for a key that somebody else holds
# The one that runs; then those that have begun and wait for their next attempt; then by age.
_ORDER: Final = (
    Case(When(status=Status.RUNNING, then=Value(0)), When(attempt__gt=0, then=Value(1)), default=2),
    "queued_at",
    "pk",
)


class Taken(Refusal):
    """Another run with the same key is open: `by`, which the person may not be allowed to see."""

    def __init__(self, by: Run, what: str) -> None:
        state = by.get_status_display()
        super().__init__(
            f"There is already an open run for the same {what}. Its status is “{state}”. Try again "
            "when it has ended."
        )
        self.by = by


def key_of(registered: RegisteredTask, frozen: Mapping[str, Any]) -> str:
    """What no other run may touch at once. Empty when nothing was named, or nothing was given.

    An object stands for itself in every task: a refund and an adjustment of one payment exclude
    each other. Other values only mean the same within one task.
    """
    names = registered.exclusive
    if all(frozen[name] is None for name in names):
        return ""
    known = {p.name: p for p in parameters.read(registered.function)}
    parts = [_identity(known[name], frozen[name]) for name in names]
    if len(names) == 1 and known[names[0]].kind.same_everywhere:
        return _short(parts[0])
    pairs = [f"{name}={part}" for name, part in zip(names, parts, strict=True)]
    return _short(f"{registered.slug}:{','.join(pairs)}")


def _identity(parameter: parameters.Parameter, frozen: Any) -> str:  # noqa: ANN401 - any JSON
    return "" if frozen is None else parameter.kind.identity(frozen)


def _short(key: str) -> str:
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: LONGEST_KEY - len(digest) - 1]}#{digest}"


def hold(key: str) -> None:
    """Wait until nobody else decides about this key, and keep it until the transaction ends."""
    locks.hold(_name(key))


def try_hold(key: str) -> bool:
    """Hold this key like `hold`, unless somebody else decides about it for too long."""
    return locks.try_hold(_name(key), seconds=PATIENCE)


def _name(key: str) -> str:
    return f"one at a time {key}"


def refuse_second(key: str, registered: RegisteredTask) -> None:
    """Raise `Taken` when the task allows one open run and there is one. The key is held."""
    if not (key and registered.one_open_per):
        return
    first = Run.objects.filter(concurrency_key=key, status__in=OPEN).first()
    if first is not None:
        raise Taken(first, " and ".join(words(name).lower() for name in registered.one_open_per))


def runs_with_key(key: str | OuterRef) -> QuerySet[Run]:
    """The runs with this key that run or wait for a worker. Only the first of them may run."""
    waiting = Run.objects.filter(concurrency_key=key, status__in=(Status.QUEUED, Status.RUNNING))
    return waiting.order_by(*_ORDER)


def ahead_of(run: Run) -> Run | None:
    """The run that has to be over before this one may begin."""
    if not run.concurrency_key or run.status != Status.QUEUED:
        return None
    first = runs_with_key(run.concurrency_key).select_related("task").first()
    return None if first == run else first


def may_begin(run: Run) -> bool:
    """Whether it is this run's turn. Holds the key, so that it stays so.

    Where it cannot be held, the next sweep enqueues the run again.
    """
    if run.concurrency_key and not try_hold(run.concurrency_key):
        _leave_to_sweep([run.pk])
        return False
    return ahead_of(run) is None


def first_with_their_key() -> Q:
    """A condition on queued runs: they wait for no other run."""
    first = runs_with_key(OuterRef("concurrency_key")).values("pk")[:1]
    return Q(concurrency_key="") | Q(pk=Subquery(first))


def enqueue_next(key: str) -> None:
    """Enqueue the run whose turn it is, after one with this key has ended.

    Where the key cannot be held, the next sweep does so.
    """
    if not try_hold(key):
        _leave_to_sweep(run.pk for run in _free().filter(concurrency_key=key).only("pk"))
        return
    first = runs_with_key(key).first()
    if first is None or first.status != Status.QUEUED or first.due_at:
        return  # a pause after an attempt ends with the sweep
    # Who has this row locked is about to begin it, and waits for the key.
    if run := _free().select_related("task").filter(pk=first.pk).annotate(now=Now()).first():
        Run.objects.filter(pk=run.pk).update(rung_at=run.now)  # no history, as in the sweep
        messages.enqueue_run(run.pk, timeout=run.task.timeout)


def _free() -> QuerySet[Run]:
    """Queued runs that nobody else has locked, with a lock."""
    queued = Run.objects.filter(status=Status.QUEUED)
    return queued.select_for_update(of=("self",), skip_locked=True)


def _leave_to_sweep(run_ids: Iterable[UUID]) -> None:
    """Have the next sweep enqueue those of these whose turn it is. No history: nothing was decided."""
    Run.objects.filter(pk__in=list(run_ids)).update(rung_at=None)
