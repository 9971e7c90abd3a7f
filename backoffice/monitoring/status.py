"""How the product is doing, in numbers: for the status page, the probes and the metrics.

Counted for everybody and without names, so that it may leave the house. Changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection
from django.db.models import Case, Count, Min, Q, When
from django.db.models.functions import Coalesce, Now

from approvals.models import ApprovalRequest
from tasks.access.restores import RESTORED, is_held
from tasks.access.rights import Right, tasks_for
from tasks.access.stops import is_stopped
from tasks.models import Pause, Run
from tasks.queue import messages
from tasks.runs.concurrency import first_with_their_key
from tasks.runs.texts import length

if TYPE_CHECKING:
    from backoffice.models import User

# A cluster gives a sign every ten seconds: this one has missed five.
LONGEST_SILENCE: Final = timedelta(minutes=1)
# For so long it is said that a worker ended by itself: what ended it may come again.
RECENT: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Work:
    """What waits for workers, and what they are at."""

    queued: int
    oldest_wait: timedelta | None  # of the queued runs that are due
    running: int
    left_alone: int  # of the running ones: the lease of the worker is over
    messages_waiting: int
    messages_taken: int
    silence: timedelta | None  # since the last sign of a worker; None: there was never one
    messages_silence: timedelta | None  # the same of those that send notifications
    replaced: timedelta | None  # since a worker ended by itself and was replaced
    restored: bool  # from a backup, and nobody has reconciled it yet

    @property
    def worker_alive(self) -> bool:
        """Whether at least one cluster of workers is there."""
        return self.silence is not None and self.silence < LONGEST_SILENCE

    @property
    def sender_alive(self) -> bool:
        """Whether at least one cluster that sends notifications is there."""
        return self.messages_silence is not None and self.messages_silence < LONGEST_SILENCE

    @property
    def waits_too_long(self) -> bool:
        """Whether a run that could begin has not begun for READY_QUEUE_SECONDS."""
        limit = timedelta(seconds=settings.READY_QUEUE_SECONDS)
        return self.oldest_wait is not None and self.oldest_wait > limit


@dataclass(frozen=True, slots=True)
class Status:
    """All of it."""

    work: Work
    awaiting: int
    uncertain: int
    paused: int
    database: str  # the version of PostgreSQL

    @property
    def idle(self) -> bool:
        """Whether no run is on its way, and none waits for a person."""
        return not (
            self.work.queued or self.work.running or self.awaiting or self.uncertain or self.paused
        )


def work() -> Work:
    """Five statements, each of which reads no more than what is on its way."""
    due = (Q(due_at=None) | Q(due_at__lte=Now())) & first_with_their_key() & ~Q(is_stopped())
    # Who had to wait for another run waits for a worker only since that one has enqueued it.
    since = Case(
        When(concurrency_key="", then="queued_at"), default=Coalesce("rung_at", "queued_at")
    )
    queued = Run.objects.filter(status=Run.Status.QUEUED).aggregate(
        queued=Count("pk"),
        oldest_wait=Now() - Min(Coalesce("due_at", since), filter=due),
        # Their messages are hidden until then, like those that a worker has.
        later=Count("pk", filter=Q(due_at__gt=Now())),
    )
    later = queued.pop("later")
    running = Run.objects.filter(status=Run.Status.RUNNING).aggregate(
        running=Count("pk"), left_alone=Count("pk", filter=Q(lease_until__lt=Now()))
    )
    signs = messages.queue_status()
    return Work(
        **queued,
        **running,
        messages_waiting=signs.waiting,
        messages_taken=max(signs.taken - later, 0),
        silence=signs.silence,
        messages_silence=signs.messages_silence,
        replaced=signs.replaced,
        restored=is_held(),
    )


def status() -> Status:
    """Eight statements."""
    version = connection.get_database_version()
    pending = ApprovalRequest.Status.PENDING
    return Status(
        work=work(),
        # Asked of the request as well, whose index holds the pending ones only.
        awaiting=Run.objects.filter(
            status=Run.Status.AWAITING_APPROVAL, approval__status=pending
        ).count(),
        uncertain=Run.objects.filter(status=Run.Status.UNCERTAIN).count(),
        paused=Pause.objects.filter(resumed_at=None, ended_at=None).count(),
        database=".".join(str(number) for number in version),
    )


def troubles(found: Status) -> Iterator[str]:
    """What somebody should do something about, in words."""
    if found.work.restored:
        yield RESTORED
    yield from _of_workers(found.work)
    if found.work.waits_too_long:
        yield too_long(found.work)
    if found.work.left_alone:
        yield (
            f"{_runs(found.work.left_alone)} running without contact to a worker. "
            "Another worker takes over within two minutes."
        )
    if found.uncertain:
        yield (
            f"The outcome of {_count(found.uncertain)} is unknown. "
            "A task administrator has to investigate and resolve it."
        )


def why_not_ready(work: Work) -> str | None:
    """Why runs that are asked for now would not be done soon."""
    if not work.worker_alive:
        return no_worker(work)
    return too_long(work) if work.waits_too_long else None


def no_worker(work: Work) -> str:
    """Why the product is not ready when no worker is alive."""
    if work.silence is None:
        return "No worker has started yet. Runs stay queued until one does."
    return (
        f"No worker is running. The last contact was {length(work.silence)} ago. "
        "Runs stay queued until one starts."
    )


def too_long(work: Work) -> str:
    """Why the product is not ready when `work.waits_too_long`."""
    waited = length(work.oldest_wait or timedelta())
    return f"A run has been queued for {waited}: all workers are busy, stuck or stopped."


def may_see(person: "User") -> bool:
    """Whether the status page exists for this person: for those who administer something."""
    return person.is_superuser or tasks_for(person, Right.CHANGE).exists()


def _of_workers(work: Work) -> Iterator[str]:
    if not work.worker_alive:
        yield no_worker(work)
    elif not work.sender_alive:
        yield "No worker sends notifications. They stay queued until one starts."
    if work.replaced is not None and work.replaced < RECENT:
        yield (
            f"A worker ended by itself {length(work.replaced)} ago and was replaced. "
            "Its log says why."
        )


def _runs(count: int) -> str:
    return f"{_count(count)} {'are' if count > 1 else 'is'}"


def _count(runs: int) -> str:
    return f"{runs} runs" if runs > 1 else "1 run"
