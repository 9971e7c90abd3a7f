"""Who is granted what on a task."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm

from audit.transitions import transition
from tasks.access import Right, require
from tasks.models import Task

if TYPE_CHECKING:
    from backoffice.models import User


def grant(
    task: Task, right: Right, *, to: "User | Group", by: "User", door: str, reason: str = ""
) -> None:
    """Give a person or a group this right on a task, and no higher one.

    Raises `NotGranted` unless `by` administers the task.
    """
    with transition(by=by, door=door, subject=task, reason=reason):
        require(by, Right.CHANGE, task)
        set_right(task, right, to=to)


def revoke(task: Task, *, of: "User | Group", by: "User", door: str, reason: str = "") -> None:
    """Take every right on a task from a person or a group, at once.

    Raises `NotGranted` unless `by` administers the task.
    """
    with transition(by=by, door=door, subject=task, reason=reason):
        require(by, Right.CHANGE, task)
        set_right(task, None, to=of)


def set_right(task: Task, right: Right | None, *, to: "User | Group") -> None:
    """Replace what is granted. For the actions of this package, inside their transaction."""
    held = (
        task.group_grants.filter(group=to)
        if isinstance(to, Group)
        else task.user_grants.filter(user=to)
    )
    keep = right.codename if right else ""
    # One by one: a bulk delete would leave no history.
    for row in held.exclude(permission__codename=keep):
        row.delete()
    if right:
        assign_perm(right.codename, to, task)
