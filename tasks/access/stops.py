"""What is stopped: a task, all tasks of a category, all that move money, or everything.

Nothing begins while it is stopped, whoever approved it. What waits in the queue stays there.
"""

from typing import TYPE_CHECKING, Final

from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.lookups import Exact

from audit.database.statements import Given, Statement
from tasks.access.rights import Right, tasks_to_stop, who_of
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
    moves_money = Value(task.moves_money)
    return open_stops().filter(_meant(task.pk, task.category, moves_money)).first()


def task_is_stopped(task: Task) -> bool:
    """Whether something stops this task now."""
    return _STOPS.any(task=task.pk, category=task.category, moves_money=task.moves_money)


def is_stopped() -> Exists:
    """Whether something stops the task of a run, inside a query over runs."""
    task, money = OuterRef("task"), OuterRef("task__moves_money")
    meant = _meant(task, OuterRef("task__category"), money)
    return Exists(Stop.objects.filter(meant, ended_at=None))


def keeps_stopped(task: Task, *, category: str, moves_money: bool) -> bool:
    """Whether something stops this task now that would not, were these its category and kind."""
    meant = Q(pk__in=[])
    if category != task.category:
        meant |= Q(scope=Scope.CATEGORY, category=task.category)
    if task.moves_money and not moves_money:
        meant |= Q(scope=Scope.MONEY)
    return Stop.objects.filter(meant, ended_at=None).exists()


def _meant(
    task: int | OuterRef | Given,
    category: str | OuterRef | Given,
    moves_money: Value | OuterRef | Given,
) -> Q:
    """Which stops are about a task."""
    return (
        Q(scope=Scope.EVERYTHING)
        | Q(task=task)
        | Q(scope=Scope.CATEGORY, category=category)
        | Q(Exact(moves_money, Value(True)), scope=Scope.MONEY)
    )


_STOPS: Final = Statement(
    lambda: Stop.objects.filter(
        _meant(Given("task"), Given("category"), Given("moves_money", BooleanField())),
        ended_at=None,
    ),
    "pk",
)


def tasks_of(stop: Stop) -> QuerySet[Task]:
    """The tasks that a stop is about."""
    tasks = Task.objects.filter(retired_at=None)
    if stop.scope == Scope.TASK:
        return tasks.filter(pk=stop.task_id or 0)
    if stop.scope == Scope.CATEGORY:
        return tasks.filter(category=stop.category)
    return tasks.filter(moves_money=True) if stop.scope == Scope.MONEY else tasks


def waiting_runs(stop: Stop) -> QuerySet[Run]:
    """The runs that wait in line for this stop to end."""
    return Run.objects.filter(status=Run.Status.QUEUED, task__in=tasks_of(stop))


def may_stop(person: "User", stop: Stop) -> bool:
    """Whether this person may stop this, alone: those who may approve or administer any of it."""
    return tasks_of(stop).filter(pk__in=tasks_to_stop(person).values("pk")).exists()


def people_of(stop: Stop) -> "list[User]":
    """Everybody who may stop this, and whom a second one of may start it again."""
    return list(who_of(Right.APPROVE, tasks_of(stop)))


def in_a_sentence(stop: Stop) -> str:
    """“Erin Wallace has stopped everything that moves money”: a sentence without its end."""
    if stop.stopped_by:
        return f"{stop.stopped_by} has stopped {in_words(stop)}"
    return f"{in_words(stop)} was stopped automatically"


def in_words(stop: Stop) -> str:
    """What is stopped, as part of a sentence."""
    if stop.scope == Scope.TASK:
        return f"“{stop.task}”"
    if stop.scope == Scope.CATEGORY:
        return f"all of “{stop.category}”"
    return "everything that moves money" if stop.scope == Scope.MONEY else "everything"
