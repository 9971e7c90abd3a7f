"""Runs like another one: about the same thing, or with the same content of a file.

They are shown before a run is requested and to who reviews it. What is done twice has most often
been requested by two people who did not know of each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from approvals.models import ApprovalRequest
from approvals.requests.related import Related
from audit.database.clock import database_now
from tasks import locks, parameters
from tasks.access.rights import runs_for
from tasks.declaration.declared import RegisteredTask
from tasks.models import OPEN, Run, Task
from tasks.models.runs import FilesOf
from tasks.parameters.kinds.files import FileKind
from tasks.runs.texts import TONES

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status

MOMENT: Final = timedelta(hours=1)  # for so long a run that has ended has only just ended
# Without a key only the newest runs of the task are compared, value by value.
NEWEST: Final = timedelta(days=4)
_ENDED_BEFORE_THE_START: Final = Q(
    attempt=0,
    status__in=(
        Status.REJECTED,
        Status.RETURNED,
        Status.CANCELLED,
        Status.EXPIRED,
        Status.STALE,
    ),
)


def open_or_just_ended(run: Run, *, since: datetime | None = None) -> QuerySet[Run]:
    """Other runs about the same that are open, or ran and ended in the last hour or since then.

    About the same are those with the same key: this payment, that account. Without a key, those of
    the same task with the same values.
    """
    now = database_now()
    recent = Q(finished_at__gte=(since or now) - MOMENT, attempt__gt=0)
    found = _about_the_same(run, now).filter(Q(status__in=OPEN) | recent).exclude(pk=run.pk)
    return found.select_related("task", "requested_by").order_by("-requested_at", "pk")


def _about_the_same(run: Run, now: datetime) -> QuerySet[Run]:
    if run.concurrency_key:
        return Run.objects.filter(concurrency_key=run.concurrency_key)
    newest = Run.objects.filter(task=run.task_id, requested_at__gte=now - NEWEST)
    return newest.filter(values=run.values)


def related_runs(request: ApprovalRequest, person: "User") -> list[Related]:
    """For the page of a request for a run: the other runs about the same that this person may see."""
    run = Run.objects.filter(approval=request).first()
    if run is None:
        return []
    visible = runs_for(person).values("pk")
    return [
        Related(
            address="admin:tasks_run_change",
            pk=other.pk,
            what=other.headline,
            who=str(other.requested_by),
            status=other.get_status_display(),
            tone=TONES.get(other.status, "quiet"),
            at=other.requested_at,
        )
        for other in open_or_just_ended(run, since=request.opened_at).filter(pk__in=visible)
    ]


@dataclass(frozen=True)
class SameFile:
    """A parameter whose content an earlier run had as well: the newest such run."""

    name: str
    label: str
    earlier: Run

    def in_words(self, task: Task) -> str:
        """A sentence for people who may see this task. Of a run of another one it says less."""
        earlier = self.earlier
        at = date_format(
            timezone.localtime(earlier.requested_at, timezone.get_default_timezone()),
            "j M Y, H:i T",
        )
        whose = (
            f"{earlier.requested_by} requested on {at}"
            if earlier.task_id == task.pk
            else f"was requested for another task on {at}"
        )
        said = f"The content of “{self.label}” is the same as in a run that {whose}."
        return f"{' '.join(said.split())} Its status: {earlier.get_status_display()}."


def same_files(
    task: Task, registered: RegisteredTask, frozen: Mapping[str, Any]
) -> Iterator[SameFile]:
    """The files of these values that an earlier run had, whoever requested it, for whichever task.

    A run that ended before it started does not count. Nothing for a task that allows the same file.
    Whoever requests a run with one of these files at the same moment waits until this one is written.
    """
    given = [
        (parameter, frozen[parameter.name]["sha256"])
        for parameter in parameters.read(registered.function)
        if isinstance(parameter.kind, FileKind) and frozen[parameter.name] is not None
    ]
    for sha256 in sorted({sha256 for _, sha256 in given}):
        locks.hold(f"file {sha256}")
    if policy_of(task, registered) == "allow":
        return
    for parameter, sha256 in given:
        if earlier := _with_file(sha256).first():
            yield SameFile(parameter.name, parameter.label, earlier)


def policy_of(task: Task, registered: RegisteredTask) -> str:
    """What the same file means to a task: where nothing is declared, money decides."""
    return registered.same_file or ("warn" if task.moves_money else "allow")


def _with_file(sha256: str) -> QuerySet[Run]:
    has_it: dict[str, Any] = {"files__contains": [sha256]}  # django-stubs knows no alias of JSON
    found = Run.objects.alias(files=FilesOf("values")).filter(**has_it)
    counted = found.exclude(_ENDED_BEFORE_THE_START)
    return counted.select_related("task", "requested_by").order_by("-requested_at")
