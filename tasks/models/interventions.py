"""What people do about a run that does not simply go on: resolve it, resume it, or run it in an emergency."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models import ApprovalRequest, Proof
from audit.history.records import audited
from tasks.models.runs import Run


class Resolution(models.Model):
    """What a person who looked has found out about an uncertain run, and what shall follow."""

    class Finding(models.TextChoices):
        GO_ON = "go_on", "It happened. Record the result and continue the run"
        HAPPENED = "happened", "It happened. Mark the run as succeeded"
        DID_NOT = "did_not", "It did not happen. Mark the run as failed"
        SEND_AGAIN = "again", "It did not happen. Retry with the same key"
        NEW_KEY = "new_key", "It did not happen. Retry with a new key"

    run = models.ForeignKey(Run, models.PROTECT, related_name="resolutions")
    finding = models.CharField(max_length=10, choices=Finding)
    reason = models.TextField()
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="resolutions",
        verbose_name="resolved by",
    )
    # What the other side showed when this person looked: texts, as they were on the page.
    looked_up = models.JSONField(default=list)
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="resolution"
    )
    proposed_at = models.DateTimeField(db_default=Now(), editable=False)
    applied_at = models.DateTimeField(null=True, blank=True, editable=False)
    dropped_at = models.DateTimeField("closed at", null=True, blank=True, editable=False)

    history = audited()

    class Meta:
        verbose_name = "resolution"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run"],
                condition=models.Q(applied_at=None, dropped_at=None),
                name="one_open_resolution_per_run",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_finding_display()} ({self.run})"


class Pause(models.Model):
    """One time that a run stopped on its way: why, how far it was, and what followed."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="pauses")
    why = models.TextField()
    # Whether somebody other than who asked for the run has to look before it goes on.
    needs_look = models.BooleanField("needs review")
    # How many items were tried by then, how many failed, and the amount by currency.
    seen = models.JSONField("progress", default=dict)
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="pause"
    )
    paused_at = models.DateTimeField(db_default=Now(), editable=False)
    waits_until = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # When the run ended without going on.
    ended_at = models.DateTimeField(null=True, blank=True)

    history = audited()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run"],
                condition=models.Q(resumed_at=None, ended_at=None),
                name="one_open_pause_per_run",
            )
        ]

    def __str__(self) -> str:
        return f"{self.why} ({self.run})"


class Emergency(models.Model):
    """That somebody ran something without the approval it needed. Two others review it.

    The database lets these rows only grow, wants fresh proof of who it was, and lets a run begin
    without approval only with one.
    """

    run = models.OneToOneField(Run, models.PROTECT, related_name="emergency")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="run by"
    )
    reason = models.TextField()
    proof = models.ForeignKey(Proof, models.PROTECT, related_name="+", db_index=False)
    review = models.OneToOneField(ApprovalRequest, models.PROTECT, related_name="emergency")
    at = models.DateTimeField(db_default=Now(), editable=False)

    history = audited()

    class Meta:
        verbose_name = "emergency run"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="an_emergency_has_a_reason")
        ]

    def __str__(self) -> str:
        return f"Emergency run: {self.run}"
