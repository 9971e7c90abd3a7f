"""Which run undoes which: what a task's author has declared, held against what has happened."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from audit.transitions import Refusal
from tasks import parameters
from tasks.access.rights import Right, runs_for, tasks_for
from tasks.declaration.registry import Finished, Undo, UnknownTask, registry
from tasks.models import OPEN, Run, Task
from tasks.parameters.faults import told_in_a_sentence
from tasks.secrets import storage
from tasks.time_limits import in_time

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status


class NotUndoable(Refusal):
    """This run cannot be undone, or not by this task, or not any more."""


def undo_of(run: Run) -> Undo | None:
    """How the code says that this run is undone, if it has succeeded."""
    try:
        declared = registry.get(run.task.slug).undo
    except UnknownTask:
        return None
    return declared if run.status == Status.SUCCEEDED else None


def undone_by(run: Run) -> Run | None:
    """The run that undoes this one, or is about to. There is at most one."""
    return run.undone_by.filter(status__in=(*OPEN, Status.SUCCEEDED)).first()


def task_to_undo(run: Run, person: "User") -> Task | None:
    """The task with which this person may ask for the undo, unless there is one already."""
    declared = undo_of(run)
    if declared is None or undone_by(run):
        return None
    mine = tasks_for(person, Right.REQUEST)
    return mine.filter(slug=declared.task, retired_at=None).first()


def check_undoable(run: Run, *, task: Task, person: "User") -> None:
    """Raise `NotUndoable` unless this person may have this run undone by this task, and nobody has.

    The run must be locked, so that of two who ask at once one is refused.
    """
    if not runs_for(person).filter(pk=run.pk).exists():
        raise NotUndoable("You don't have access to the run that you want to undo.")
    declared = undo_of(run)
    if declared is None or declared.task != task.slug:
        state = run.get_status_display()
        raise NotUndoable(f"“{task}” cannot undo this run. The run's status is “{state}”.")
    if first := undone_by(run):
        if first.status == Status.SUCCEEDED:
            raise NotUndoable("This run has already been undone.")
        state = first.get_status_display()
        raise NotUndoable(f"An undo has already been requested. Its status is “{state}”.")


def values_to_undo(run: Run) -> dict[str, Any]:
    """What the undo is about: the values that nobody may change in its form.

    Raises `NotUndoable` where the author's functions find nothing to undo.
    """
    declared = undo_of(run)
    if declared is None:
        return {}
    finished = Finished(
        id=run.pk,
        values=_values(run),
        output=run.output or {},
        answers={e.step: e.answer for e in run.effects.filter(refused=False, answer__isnull=False)},
    )
    try:
        with told_in_a_sentence("What is to be undone could not be found"):
            return in_time(lambda: {name: give(finished) for name, give in declared.fill.items()})
    except ValidationError as refusal:
        raise NotUndoable(" ".join(refusal.messages)) from refusal
    except parameters.AuthorsFault as fault:
        raise NotUndoable(str(fault)) from fault


def _values(run: Run) -> dict[str, Any]:
    """The typed values of the run, without files and secrets, and as far as they still fit."""
    try:
        return storage.plain_values(registry.get(run.task.slug), run)
    except (parameters.DoesNotFit, parameters.ObjectGone) as error:
        raise NotUndoable(f"The values of this run can no longer be read: {error}") from error
