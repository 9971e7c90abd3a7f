"""What a form holds before anybody types: an earlier run's values, or what undoes a run."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest

from audit.pages import person_of
from tasks import parameters, vault
from tasks.access import runs_for
from tasks.models import Run, Task
from tasks.registry import RegisteredTask
from tasks.undoing import undo_of


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


def values_of(registered: RegisteredTask, run: Run | None) -> dict[str, Any]:
    """What was asked for before, as far as it can be asked for again: no files, no secrets."""
    if run is None:
        return {}
    try:
        return vault.plain_values(registered, run)
    except (parameters.DoesNotFit, parameters.ObjectGone):
        return {}
