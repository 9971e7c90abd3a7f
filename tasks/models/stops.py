"""What somebody has stopped."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models import ApprovalRequest
from audit.history.records import audited
from tasks.models.catalogue import Task


class Stop(models.Model):
    """That somebody has stopped something. One person stops; two start again.

    The database lets nothing begin while it stands, and ends it only with an approved request.
    """

    class Scope(models.TextChoices):
        TASK = "task", "One task"
        CATEGORY = "category", "All tasks of a category"
        MONEY = "money", "Everything that moves money"
        EVERYTHING = "everything", "Everything"

    scope = models.CharField("what", max_length=10, choices=Scope)
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="stops", db_index=False
    )
    category = models.CharField(max_length=60, blank=True)
    reason = models.TextField()
    # Nobody, where it was stopped by itself: what should have been done by then was not done.
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    stopped_at = models.DateTimeField(db_default=Now(), editable=False)
    # The newest proposal to start again.
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="stop"
    )
    ended_at = models.DateTimeField("restarted at", null=True, blank=True)

    history = audited()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "task", "category"],
                condition=models.Q(ended_at=None),
                nulls_distinct=False,
                name="stopped_once",
            ),
            models.CheckConstraint(
                condition=models.Q(scope="task", task__isnull=False, category="")
                | models.Q(~models.Q(category=""), scope="category", task=None)
                | models.Q(scope__in=["money", "everything"], task=None, category=""),
                name="a_stop_names_what_it_stops",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="a_stop_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.task or self.category or 'all'}"
