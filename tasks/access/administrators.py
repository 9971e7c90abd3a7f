"""Who administers a task, or people and groups, and whether that was ever shared; who has any say."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from approvals.models import Absence, ApprovalRequest, Reviewer
from tasks import locks
from tasks.access.rights import Right, who
from tasks.declaration.registry import registry
from tasks.models import (
    ApprovalRule,
    ProposedChange,
    Task,
    TaskGroupPermission,
    TaskUserPermission,
)

if TYPE_CHECKING:
    from backoffice.models import User


def administrators(task: Task) -> "QuerySet[User]":
    """The active people who administer a task, superusers among them."""
    granted = who(Right.CHANGE, task).values("pk")
    people = get_user_model().objects.filter(Q(pk__in=granted) | Q(is_superuser=True))
    return people.filter(is_active=True)


def administrators_of_people() -> "QuerySet[User]":
    """The active people who may change people and groups, superusers among them."""
    may = _to_change_people()
    held = Q(user_permissions__in=may) | Q(groups__permissions__in=may) | Q(is_superuser=True)
    return get_user_model().objects.filter(held, is_active=True).distinct()


def _to_change_people() -> QuerySet[Permission]:
    kind = get_user_model()._meta
    return Permission.objects.filter(
        codename=f"change_{kind.model_name}", content_type__app_label=kind.app_label
    )


def hold_permissions() -> None:
    """Let nobody else change who may do what before this transaction ends.

    What a proposal gives is compared with what was shown, and a group is asked whether it decides
    something: both have to be so still when the change is written. Taken before any row is locked.
    """
    locks.hold("permissions")


def was_shared(task: Task | None, person: "User") -> bool:
    """Whether anybody other than this person has ever administered the task, or everything.

    Without a task: has ever administered people and groups. The history says so, which nobody
    rewrites: an account that is closed and a right that is taken away stay in it. The database asks
    the same: tasks_was_shared, in tasks/migrations/guards/tasks_proposedchange_0002_shared.sql.
    """
    people: Any = get_user_model()  # its history, and that of backoffice.Membership, stand above us
    superusers = people.history.filter(is_superuser=True, is_active=True)
    if task is None:
        may = _to_change_people()
        by_name = people.objects.filter(user_permissions__in=may).exclude(pk=person.pk)
        groups = Group.objects.filter(permissions__in=may).values("pk")
    else:
        held = {"content_object": task, "permission__codename": Right.CHANGE.codename}
        by_name = TaskUserPermission.history.filter(**held).exclude(user=person)
        groups = TaskGroupPermission.history.filter(**held).values("group")
    members = people.groups.through.history.filter(group__in=groups).exclude(user=person)
    found = (superusers.exclude(id=person.pk), by_name, members)
    return any(each.exists() for each in found)


def deciding_groups() -> QuerySet[Group]:
    """The groups whose members may do or decide something, or will by what is proposed.

    A rule in force names them, they were given a right on a task or a general permission, they may
    run something in an emergency, or a proposal that waits is about them.
    """
    on_call = {task.break_glass.group for task in registry.all() if task.break_glass}
    named = ApprovalRule.objects.filter(ended_at=None)
    return Group.objects.filter(
        Exists(named.filter(groups=OuterRef("pk")))
        | Exists(named.filter(escalate_to=OuterRef("pk")))
        | Exists(TaskGroupPermission.objects.filter(group=OuterRef("pk")))
        | Exists(Group.permissions.through.objects.filter(group=OuterRef("pk")))
        | Q(name__in=on_call)
        | Q(pk__in=_named_in_open_proposals()[0])
    )


def has_any_say(person: "User") -> bool:
    """Whether this account, when it is open, may do or decide anything, or will by what is proposed."""
    pending = Reviewer.objects.filter(stage__request__status=ApprovalRequest.Status.PENDING)
    stands_in = Absence.objects.filter(ended_at=None, ends_at__gt=Now())
    return (
        person.is_superuser
        or person.user_permissions.exists()
        or deciding_groups().filter(user=person).exists()
        or TaskUserPermission.objects.filter(user=person).exists()
        or ApprovalRule.objects.filter(ended_at=None, people=person).exists()
        or pending.filter(person=person).exists()
        or stands_in.filter(delegate=person).exists()
        or person.pk in _named_in_open_proposals()[1]
    )


def _named_in_open_proposals() -> tuple[set[int], set[int]]:
    """The keys of the groups, and of the people, that a proposal which waits is about."""
    groups, people = set[int](), set[int]()
    waiting = ProposedChange.objects.filter(applied_at=None, dropped_at=None)
    for content in waiting.values_list("content", flat=True):
        groups.update(_keys(content, "groups", "escalate_to", "group"))
        people.update(_keys(content, "people", "person", "delegate"))
        given_to = groups if content.get("to") == "group" else people
        given_to.update(_keys(content, "id"))
    return groups, people


def _keys(content: Mapping[str, Any], *names: str) -> Iterator[int]:
    for name in names:
        found = content.get(name, [])
        yield from found if isinstance(found, list) else [found]
