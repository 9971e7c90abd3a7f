"""What a group or a person may do, for the pages about them."""

from collections.abc import Iterable, Iterator

from django import template
from django.contrib.auth.models import Group

from tasks.access.holders import Holder, held_by, through_groups
from tasks.access.rights import Right
from tasks.models import Task

register = template.Library()


@register.inclusion_tag("tasks/permissions_of.html")
def permissions_of(holder: Holder) -> dict[str, object]:
    """A card that lists the tasks, with the right and where it comes from."""
    tasks = Task.objects.filter(retired_at=None).order_by("category", "name")
    held = held_by(holder, tasks)
    is_group = isinstance(holder, Group)
    through = {} if isinstance(holder, Group) else through_groups(holder, tasks)
    return {
        "is_group": is_group,
        "permissions": [
            (task, list(_sources(held.get(task.pk), through.get(task.pk, ()), alone=is_group)))
            for task in tasks
            if task.pk in held or task.pk in through
        ],
    }


def _sources(
    own: Right | None, through: Iterable[tuple[str, Right]], *, alone: bool
) -> Iterator[str]:
    """Each right with where it comes from, unless it can come from nowhere else."""
    if own:
        yield own.label if alone else f"{own.label}, directly"
    for name, right in through:
        yield f"{right.label}, through {name}"
