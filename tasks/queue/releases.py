"""Whether the code in this process is the code that the last deploy recorded.

`migrate` writes down the fingerprint of each task's code. For a while after it, workers with the
code before may still be there; before it, workers with the code that is to come.
"""

from collections.abc import Collection

from tasks.declaration.registry import UnknownTask, registry
from tasks.models import Task


def is_known_here(task: Task) -> bool:
    """Whether this process has the code of the row, or the row says that there is none any more."""
    try:
        return (
            task.retired_at is not None or registry.get(task.slug).source_hash == task.source_hash
        )
    except UnknownTask:
        return False


def current() -> frozenset[str]:
    """The slugs of the tasks that this process has as the last deploy recorded them."""
    rows = Task.objects.filter(retired_at=None).only("slug", "source_hash", "retired_at")
    return frozenset(row.slug for row in rows if is_known_here(row))


def superseded(before: Collection[str]) -> list[str]:
    """Those of the tasks that were current before and have been deployed anew, or retired, since.

    A task without a row is none of them: nobody deployed anything.
    """
    return sorted(set(before) & set(Task.objects.values_list("slug", flat=True)) - current())
