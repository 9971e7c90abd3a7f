"""Which database this is, so that one that was restored from a backup is known as such."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from tasks.models.runs import Run
from tasks.models.stops import Stop


class DatabaseIdentity(models.Model):
    """What PostgreSQL said of itself when workers began to use this database, and whenever it changed.

    The database writes all of it but `found` and `stop`. A copy of the row in another database, or
    written there by a restore, does not fit what PostgreSQL says there: `tasks_is_restored()`.
    """

    class Found(models.TextChoices):
        FIRST = "first", "First use"
        RESTORED = "restored", "Restored from a backup"
        OLDER = "older", "Older than what a worker has seen"
        PROMOTED = "promoted", "Promoted or recovered, and no worker knows it"
        MOVED = "moved", "Promoted, with all that a worker has seen"

    found = models.CharField(max_length=8, choices=Found, editable=False)
    # What holds everything until people have reconciled it. None where nothing had to be held.
    stop = models.ForeignKey(
        Stop, models.PROTECT, null=True, blank=True, editable=False, related_name="identities"
    )
    system_identifier = models.CharField(max_length=20, db_default="", editable=False)
    database_oid = models.BigIntegerField(db_default=0, editable=False)
    timeline = models.BigIntegerField(db_default=0, editable=False)
    written_in = models.BigIntegerField(db_default=0, editable=False)  # the transaction
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "identity of the database"
        verbose_name_plural = "identities of the database"
        default_permissions = ()

    def __str__(self) -> str:
        return self.get_found_display()


class WorkerLook(models.Model):
    """How often the workers of one data folder have looked at this database.

    The folder has the number as well. A database with a smaller one has lost what came after.
    """

    folder = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.folder}: {self.number}"


class Reconciliation(models.Model):
    """What a person has found out about an unfinished run of a database that was restored."""

    class Decision(models.TextChoices):
        KEEP = "keep", "Keep it"
        UNKNOWN = "unknown", "It may have been done"
        CANCEL = "cancel", "Cancel it"

    identity = models.ForeignKey(
        DatabaseIdentity, models.PROTECT, related_name="reconciliations", editable=False
    )
    run = models.ForeignKey(
        Run, models.PROTECT, related_name="reconciliations", db_index=False, editable=False
    )
    decision = models.CharField(max_length=7, choices=Decision, editable=False)
    reason = models.TextField(editable=False)
    looked_up = models.JSONField(default=list, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    door = models.CharField("via", max_length=10, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "identity"], name="reconciled_once"),
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="a_reconciliation_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.run}"
