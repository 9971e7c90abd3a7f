"""The tasks that a person wants at hand."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from tasks.models.catalogue import Task


class PinnedTask(models.Model):
    """One task on one person's home page. A preference: nobody decides anything by it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, models.CASCADE, related_name="pins")
    pinned_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "task"], name="a_task_is_pinned_once")
        ]

    def __str__(self) -> str:
        return f"{self.task}, pinned by {self.person}"
