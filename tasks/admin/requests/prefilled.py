"""What a form holds before anybody types: an earlier run's values, or what undoes a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest

from audit.admin.pages import person_of
from tasks import parameters
from tasks.access.rights import runs_for
from tasks.declaration.registry import RegisteredTask
from tasks.models import Run, Task
from tasks.runs.undo import undo_of
from tasks.secrets import storage


@dataclass(frozen=True)
class Before:
    """The earlier runs that a form comes from, as its address or its hidden fields name them."""

    again: Run | None
    undo: Run | None
    revise: Run | None

    @classmethod
    def of(cls, request: HttpRequest, task: Task, named: Mapping[str, object]) -> "Before":
        """Read what is named. Raises Http404 for a run that cannot be meant."""
        return cls(
            earlier(request, task, named.get("again")),
            to_undo(request, task, named.get("undo")),
            to_revise(request, task, named.get("revise")),
        )

    def keys(self) -> dict[str, UUID | None]:
        """For the hidden fields."""
        runs = {"again": self.again, "undo": self.undo, "revise": self.revise}
        return {name: run.pk if run else None for name, run in runs.items()}


def earlier(request: HttpRequest, task: Task, wanted: object) -> Run | None:
    """The run of this task that is asked for again, if this person may see it."""
    try:
        return runs_for(person_of(request)).filter(pk=str(wanted or ""), task=task).first()
    except ValidationError:  # no number of a run
        return None


def to_undo(request: HttpRequest, task: Task, wanted: object) -> Run | None:
    """The run that this task is to undo. Raises Http404 for one that it cannot: nothing else is meant."""
    if not wanted:
        return None
    try:
        visible = runs_for(person_of(request)).select_related("task", "requested_by")
        found = visible.filter(pk=str(wanted)).first()
    except ValidationError as error:
        raise Http404 from error
    declared = undo_of(found) if found else None
    if declared is None or declared.task != task.slug:
        raise Http404
    return found


def to_revise(request: HttpRequest, task: Task, wanted: object) -> Run | None:
    """The person's own run of this task that they are about to change. Raises Http404 for any other."""
    if not wanted:
        return None
    mine = runs_for(person_of(request)).filter(requested_by=person_of(request), task=task)
    try:
        found = mine.select_related("task", "approval", "undoes").filter(pk=str(wanted)).first()
    except ValidationError as error:
        raise Http404 from error
    if found is None:
        raise Http404
    return found


def given_with(run: Run | None) -> dict[str, str]:
    """The files and secrets of an earlier run, which its form has not: each name with what it was."""
    given = {}
    for name, value in (run.values if run else {}).items():
        match value:
            case {"sha256": _, "name": str(file)}:
                given[name] = file
            case {"secret": _}:
                given[name] = "secret"
    return given


def values_of(registered: RegisteredTask, run: Run | None) -> dict[str, Any]:
    """What was asked for before, as far as it can be asked for again: no files, no secrets."""
    if run is None:
        return {}
    try:
        return storage.plain_values(registered, run)
    except (parameters.DoesNotFit, parameters.ObjectGone):
        return {}
