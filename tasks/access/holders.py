"""Which permissions a group or a person holds, by task."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet

from tasks.access.rights import Right
from tasks.models import Task, TaskGroupPermission, TaskUserPermission

if TYPE_CHECKING:
    from backoffice.models import User

type Holder = "Group | User"
type Tasks = Iterable[Task] | QuerySet[Task]


def of_groups(tasks: Tasks) -> dict[tuple[int, int], Right]:
    """The highest right of each group that holds one, by task and group."""
    return _highest(TaskGroupPermission.objects.filter(content_object__in=tasks), "group")


def of_people(tasks: Tasks) -> dict[tuple[int, int], Right]:
    """The highest right of each person who was given one directly, by task and person."""
    return _highest(TaskUserPermission.objects.filter(content_object__in=tasks), "user")


def held_by(holder: Holder, tasks: Tasks) -> dict[int, Right]:
    """What this group or person was given, by task."""
    if isinstance(holder, Group):
        grants: QuerySet[Model] = TaskGroupPermission.objects.filter(group=holder)
        name = "group"
    else:
        grants = TaskUserPermission.objects.filter(user=holder)
        name = "user"
    found = _highest(grants.filter(content_object__in=tasks), name)
    return {task: right for (task, _), right in found.items()}


def through_groups(person: "User", tasks: Tasks) -> dict[int, list[tuple[str, Right]]]:
    """What this person has as a member, by task: the group's name and its right."""
    grants = TaskGroupPermission.objects.filter(group__user=person, content_object__in=tasks)
    names = dict(grants.values_list("group", "group__name"))
    found = defaultdict(list)
    for (task, group), right in sorted(_highest(grants, "group").items()):
        found[task].append((names[group], right))
    return found


def _highest(grants: QuerySet[Model], holder: str) -> dict[tuple[int, int], Right]:
    found: dict[tuple[int, int], Right] = {}
    for task, pk, codename in grants.values_list("content_object", holder, "permission__codename"):
        right = Right.of(codename)
        found[task, pk] = max(right, found.get((task, pk), right))
    return found
