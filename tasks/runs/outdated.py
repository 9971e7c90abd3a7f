"""Runs whose code is not the code they were requested under, while they wait and at the claim."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db.models import F, Q

from approvals.models import ApprovalRequest
from tasks.models import Pause, Run

RETIRED: Final = "This task is retired: its code was removed."
OLDER: Final = "The task's code has changed since this was requested."
NEWER: Final = (
    "This was requested under newer code than the workers have: the web server was updated, and "
    "`migrate` has not been run since."
)


def why_outdated(run: Run) -> str:
    """Why the code that would run is not what was requested, and which side is old. Or empty."""
    if run.task.retired_at:
        return RETIRED
    if run.task.source_hash == run.source_hash:
        return ""
    was_deployed = run.task.history.filter(source_hash=run.source_hash).exists()
    return OLDER if was_deployed else NEWER


def outdated_requests(requests: Collection[ApprovalRequest], **_: object) -> dict[UUID, str]:
    """Of these requests, those about runs that would not begin, or go on, any more."""
    changed = ~Q(task__source_hash=F("source_hash")) | Q(task__retired_at__isnull=False)
    runs = Run.objects.filter(changed).select_related("task")
    found = {run.approval_id: run for run in runs.filter(approval__in=requests)}
    pauses = Pause.objects.filter(approval__in=requests, run__in=runs)
    found |= {pause.approval_id: pause.run for pause in pauses.select_related("run__task")}
    return {key: why_outdated(run) for key, run in found.items() if key}
