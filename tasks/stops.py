"""What is stopped: a task, all tasks of a category, all that move money, or everything.

Nothing begins while it is stopped, whoever approved it. What waits in line stays there.
"""

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from tasks.access import Right, tasks_for, who_of
from tasks.models import Run, Stop, Task

if TYPE_CHECKING:
    from backoffice.models import User

Scope = Stop.Scope


def open_stops() -> QuerySet[Stop]:
    """What is stopped now, newest first."""
    found = Stop.objects.filter(ended_at=None).select_related("task", "stopped_by", "approval")
    return found.order_by("-pk")


def stop_of(task: Task) -> Stop | None:
    """Why nothing of this task begins; None when it does. One query."""
    meant = Q(scope=Scope.EVERYTHING) | Q(task=task.pk)
    meant |= Q(scope=Scope.CATEGORY, category=task.category)
    if task.moves_money:
        meant |= Q(scope=Scope.MONEY)
    return open_stops().filter(meant).first()


def tasks_of(stop: Stop) -> QuerySet[Task]:
    """The tasks that a stop is about."""
    tasks = Task.objects.filter(retired_at=None)
    if stop.scope == Scope.TASK:
        return tasks.filter(pk=stop.task_id or 0)
    if stop.scope == Scope.CATEGORY:
        return tasks.filter(category=stop.category)
    return tasks.filter(moves_money=True) if stop.scope == Scope.MONEY else tasks


def is_stopped() -> Exists:
    """Whether something stops the task of a run, inside a query over runs."""
    moving = Task.objects.filter(pk=OuterRef(OuterRef("task")), moves_money=True)
    return Exists(
        Stop.objects.filter(
            Q(scope=Scope.EVERYTHING)
            | Q(task=OuterRef("task"))
            | Q(scope=Scope.CATEGORY, category=OuterRef("task__category"))
            | Q(Exists(moving), scope=Scope.MONEY),
            ended_at=None,
        )
    )


def waiting_runs(stop: Stop) -> QuerySet[Run]:
    """The runs that wait in line for this stop to end."""
    return Run.objects.filter(status=Run.Status.QUEUED, task__in=tasks_of(stop))


def may_stop(person: "User", stop: Stop) -> bool:
    """Whether this person may stop this, alone: those who may approve or administer any of it."""
    meant = tasks_of(stop)
    mine = tasks_for(person, Right.APPROVE) | tasks_for(person, Right.CHANGE)
    return meant.filter(pk__in=mine.values("pk")).exists()


def people_of(stop: Stop) -> "list[User]":
    """Everybody who may stop this, and whom a second one of may start it again."""
    return list(who_of(Right.APPROVE, tasks_of(stop)))


def in_words(stop: Stop) -> str:
    """What is stopped, as part of a sentence."""
    if stop.scope == Scope.TASK:
        return f"“{stop.task}”"
    if stop.scope == Scope.CATEGORY:
        return f"all of “{stop.category}”"
    return "all that moves money" if stop.scope == Scope.MONEY else "everything"
