"""One place that answers “may this person do this to that task”.

Grants are rows of guardian on a Task; each right includes the ones before it. Being a superuser
lets a person see and administer every task, so that somebody can make the first grant, but never
request, run or approve anything: those are always granted by name.
"""

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import ApprovalRequest
from approvals.requests.policy import visible_to
from audit.database.statements import Given, Statement
from audit.transitions import Refusal
from tasks.models import Resolution, Run, Task, TaskGroupPermission, TaskUserPermission

if TYPE_CHECKING:
    from backoffice.models import User


class Right(IntEnum):
    """What a person may do to a task, each including the ones above it here."""

    VIEW = 1
    REQUEST = 2
    EXECUTE = 3
    APPROVE = 4
    CHANGE = 5

    @property
    def codename(self) -> str:
        """The permission that guardian stores."""
        return f"{self.name.lower()}_task"

    @property
    def label(self) -> str:
        """For people."""
        return _LABELS[self]

    @classmethod
    def of(cls, codename: str) -> "Right":
        """The right behind a permission's codename, such as `execute_task`."""
        return cls[codename.removesuffix("_task").upper()]


_LABELS = {
    Right.VIEW: "Can view",
    Right.REQUEST: "Can request",
    Right.EXECUTE: "Can run",
    Right.APPROVE: "Can approve",
    Right.CHANGE: "Can administer",
}


class NotGranted(Refusal):
    """The person may see the task, but not do this to it."""


def codenames(right: Right) -> list[str]:
    """The permissions that give this right: its own and the higher ones."""
    return [r.codename for r in Right if r >= right]


def _granted(person: "User | Given", right: Right) -> Q:
    held = codenames(right)
    grants = {"content_object": OuterRef("pk"), "permission__codename__in": held}
    by_name = TaskUserPermission.objects.filter(user=person, **grants)
    by_group = TaskGroupPermission.objects.filter(group__user=person, **grants)
    return Q(Exists(by_name)) | Q(Exists(by_group))


def _granted_task(right: Right) -> Statement:
    person, task = Given("person"), Given("task")
    return Statement(lambda: Task.objects.filter(_granted(person, right), pk=task), "pk")


_GRANTED: Final = {right: _granted_task(right) for right in Right}


def tasks_for(person: "User", right: Right) -> QuerySet[Task]:
    """The tasks to which this person may do this. Lists and counts use it."""
    if not person.is_active:
        return Task.objects.none()
    if _needs_no_grant(person, right):
        return Task.objects.all()
    return Task.objects.filter(_granted(person, right))


def _needs_no_grant(person: "User", right: Right) -> bool:
    if right in (Right.VIEW, Right.CHANGE) and person.is_superuser:
        return True
    return right == Right.VIEW and person.has_perm("audit.view_everything")


def task_ids(person: "User", right: Right) -> list[int]:
    """Their keys, fetched first: a list of a million runs then starts from an array."""
    return list(tasks_for(person, right).values_list("pk", flat=True))


def allowed(person: "User", right: Right, task: Task) -> bool:
    """Whether this person may do this to this task, asked of the database now."""
    if not person.is_active:
        return False
    return _needs_no_grant(person, right) or _GRANTED[right].any(person=person.pk, task=task.pk)


def require(person: "User", right: Right, task: Task) -> None:
    """Raise `NotGranted`, in words for the person, unless it is allowed."""
    if not allowed(person, right, task):
        raise NotGranted(
            f"You don't have the permission “{right.label}” on “{task}”. Request access from "
            f"{task.owner} or an administrator."
        )


def highest(person: "User", task: Task) -> Right | None:
    """The highest right this person has on this task."""
    return max((r for r in Right if allowed(person, r, task)), default=None)


def who(right: Right, task: Task) -> "QuerySet[User]":
    """The active people who have been granted this right on this task, directly or by a group."""
    return who_of(right, Task.objects.filter(pk=task.pk))


def who_of(right: Right, tasks: QuerySet[Task]) -> "QuerySet[User]":
    """The active people who have been granted this right on one of these tasks."""
    grants = {"content_object__in": tasks, "permission__codename__in": codenames(right)}
    by_name = TaskUserPermission.objects.filter(**grants).values("user")
    by_group = TaskGroupPermission.objects.filter(**grants).values("group")
    people = get_user_model().objects.filter(Q(pk__in=by_name) | Q(groups__in=by_group))
    return people.filter(is_active=True).distinct()


def tasks_to_stop(person: "User") -> QuerySet[Task]:
    """The tasks that this person may stop, alone: those to approve, and those to administer."""
    return tasks_for(person, Right.APPROVE) | tasks_for(person, Right.CHANGE)


def runs_for(person: "User") -> QuerySet[Run]:
    """The runs this person may see: of visible tasks, their own, and those they were asked about."""
    if person.has_perm("audit.view_everything"):
        return Run.objects.all()
    asked = ApprovalRequest.objects.filter(pk=OuterRef("approval"), pk__in=visible_to(person))
    return Run.objects.filter(
        Q(task_id__in=task_ids(person, Right.VIEW)) | Q(requested_by=person) | Exists(asked)
    )


def in_doubt(person: "User") -> QuerySet[Run]:
    """The uncertain runs of tasks that this person administers, without their own. Oldest first."""
    mine = tasks_for(person, Right.CHANGE)
    uncertain = Run.objects.filter(status=Run.Status.UNCERTAIN, task__in=mine)
    return uncertain.exclude(requested_by=person).order_by("finished_at")


def to_resolve(person: "User") -> QuerySet[Run]:
    """Those of them that nobody has looked at yet."""
    return in_doubt(person).exclude(has_open_resolution())


def has_open_resolution() -> Exists:
    """Whether somebody has proposed how to settle a run, and others have to agree."""
    proposed = Resolution.objects.filter(applied_at=None, dropped_at=None)
    return Exists(proposed.filter(run=OuterRef("pk")))
