"""Bring the rows of tasks in line with the code, after each migration and on demand."""

from tasks.actions.catalogue import adopt_task, retire_task
from tasks.declaration.registry import registry
from tasks.models import Task


def sync_tasks() -> None:
    """Adopt every task in the code, and retire the rows whose code is gone."""
    registered = registry.all()
    for task in registered:
        adopt_task(task)
    slugs = [task.slug for task in registered]
    for gone in Task.objects.filter(retired_at=None).exclude(slug__in=slugs):
        retire_task(gone)


def after_migrate(**_: object) -> None:
    """Receiver of post_migrate."""
    sync_tasks()
