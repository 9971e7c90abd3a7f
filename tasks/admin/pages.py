"""What the pages of tasks and runs have in common."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from audit.admin.pages import person_of
from tasks import parameters
from tasks.access.rights import Right, runs_for, tasks_for
from tasks.declaration.registry import RegisteredTask, UnknownTask, registry
from tasks.models import Run, Task

MAY_READ_ALL = "audit.view_everything"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to decide on, what follows from it, and why it cannot be chosen. Empty when it can."""

    value: str
    label: str
    follows: str
    objection: str


def task_or_404(request: HttpRequest, slug: str, right: Right) -> Task:
    """The task, for somebody with this right; for others there is none."""
    task = tasks_for(person_of(request), right).filter(slug=slug).first()
    if task is None:
        raise Http404
    return task


def visible_runs(request: HttpRequest) -> QuerySet[Run]:
    """The runs that this person may see, with what pages say of them."""
    return runs_for(person_of(request)).select_related("task", "requested_by", "approval")


def run_or_404(request: HttpRequest, pk: UUID) -> Run:
    """The run, for somebody who may see it; for others there is none."""
    run = visible_runs(request).filter(pk=pk).first()
    if run is None:
        raise Http404
    return run


def declared_by(task: Task) -> list[parameters.Parameter]:
    """The parameters of a task. None where its code is gone."""
    registered = code_of(task)
    return parameters.read(registered.function) if registered else []


def code_of(task: Task) -> RegisteredTask | None:
    """The code behind a task, unless it is gone."""
    try:
        return registry.get(task.slug) if task.retired_at is None else None
    except UnknownTask:
        return None
