"""Of which runs a person wants to be told."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from audit.history.records import audited
from tasks.models.catalogue import Task


class Subscription(models.Model):
    """That a person wants to be told when runs of a task end in one of these states.

    With a condition, only of those for which it holds. The database lets it end, and nothing else
    of it change. `problem` is why the condition could not be answered of late; nobody decides
    anything by it, so the history does not keep it.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="subscriptions"
    )
    task = models.ForeignKey(Task, models.PROTECT, related_name="subscriptions", db_index=False)
    states = models.JSONField("when a run ends as", default=list)
    condition = models.TextField("only if", blank=True)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, default="", db_default="")

    history = audited(excluded_fields=["problem"])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "task", "states", "condition"],
                condition=models.Q(ended_at=None),
                name="subscribed_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(states=[]), name="a_subscription_is_to_something"
            ),
        ]
        indexes: ClassVar = [
            models.Index(  # who is told, asked at the end of each run
                fields=["task"], name="subscription_open", condition=models.Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} is subscribed to “{self.task}”"
