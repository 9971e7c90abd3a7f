"""Who administers a task, or people and groups, and whether that was ever shared; what a group decides."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, OuterRef, Q, QuerySet

from tasks.access.rights import Right, who
from tasks.declaration.registry import registry
from tasks.models import ApprovalRule, Task, TaskGroupPermission, TaskUserPermission

if TYPE_CHECKING:
    from backoffice.models import User


def administrators(task: Task) -> "QuerySet[User]":
    """The active people who administer a task, superusers among them."""
    granted = who(Right.CHANGE, task).values("pk")
    people = get_user_model().objects.filter(Q(pk__in=granted) | Q(is_superuser=True))
    return people.filter(is_active=True)


def administrators_of_people() -> "QuerySet[User]":
    """The active people who may change people and groups, superusers among them."""
    kind = get_user_model()._meta
    may = Permission.objects.filter(
        codename=f"change_{kind.model_name}", content_type__app_label=kind.app_label
    )
    held = Q(user_permissions__in=may) | Q(groups__permissions__in=may) | Q(is_superuser=True)
    return get_user_model().objects.filter(held, is_active=True).distinct()


def was_shared(task: Task | None, person: "User") -> bool:
    """Whether anybody other than this person has ever administered the task, or everything.

    The history says so, which nobody rewrites: an account that is closed and a right that is taken
    away stay in it. The database asks the same: tasks_was_shared, in
    tasks/migrations/guards/tasks_proposedchange.sql.
    """
    people: Any = get_user_model()  # its history, and that of backoffice.Membership, stand above us
    superusers = people.history.filter(is_superuser=True, is_active=True)
    held = {"content_object": task, "permission__codename": Right.CHANGE.codename}
    by_name = TaskUserPermission.history.filter(**held).exclude(user=person)
    groups = TaskGroupPermission.history.filter(**held).values("group")
    members = people.groups.through.history.filter(group__in=groups).exclude(user=person)
    found = (superusers.exclude(id=person.pk), by_name, members)
    return any(each.exists() for each in found)


def deciding_groups() -> QuerySet[Group]:
    """The groups that a rule in force names, that were given a right, or that may break the glass."""
    on_call = {task.break_glass.group for task in registry.all() if task.break_glass}
    named = ApprovalRule.objects.filter(ended_at=None)
    return Group.objects.filter(
        Exists(named.filter(groups=OuterRef("pk")))
        | Exists(named.filter(escalate_to=OuterRef("pk")))
        | Exists(TaskGroupPermission.objects.filter(group=OuterRef("pk")))
        | Q(name__in=on_call)
    )


def has_any_say(person: "User") -> bool:
    """Whether this account, when it is open, may do or decide anything."""
    return (
        person.is_superuser
        or deciding_groups().filter(user=person).exists()
        or TaskUserPermission.objects.filter(user=person).exists()
        or ApprovalRule.objects.filter(ended_at=None, people=person).exists()
    )
