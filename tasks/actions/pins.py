"""Which tasks a person has pinned. Each pins for themselves."""

from typing import TYPE_CHECKING

from audit.transitions import transition
from tasks.access.rights import Right, require
from tasks.models import PinnedTask, Task

if TYPE_CHECKING:
    from backoffice.models import User


def pin_task(task_id: int, *, by: "User", door: str) -> None:
    """Put a task on this person's home page. Raises `NotGranted` for one that they cannot see."""
    task = Task.objects.get(pk=task_id)
    with transition(by=by, door=door, subject=task):
        require(by, Right.VIEW, task)
        PinnedTask.objects.get_or_create(person=by, task=task)


def unpin_task(task_id: int, *, by: "User", door: str) -> None:
    """Take it away again; nothing happens when it is not there."""
    with transition(by=by, door=door):
        PinnedTask.objects.filter(person=by, task=task_id).delete()
