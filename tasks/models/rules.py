"""When others must agree to a run, and what somebody proposes to change about that."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Now

from approvals.models import ApprovalRequest
from audit.history.records import audited
from tasks.declaration.limits import Limits
from tasks.models.catalogue import Task


class ApprovalRule(models.Model):
    """When other people must agree to a run. A row never changes: an edit is a new version."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="rules")
    name = models.CharField(max_length=120)
    condition = models.TextField(help_text="For example: amount > 100. Write true for every run.")
    groups = models.ManyToManyField(Group, related_name="+", blank=True)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)
    needed = models.PositiveSmallIntegerField("approvals needed", default=1)
    position = models.PositiveSmallIntegerField("stage", default=1)
    for_resolving = models.BooleanField(
        "also to resolve an unknown outcome", default=False, db_default=False
    )
    may_serve_twice = models.BooleanField(
        "allow the same reviewer in several stages", default=False, db_default=False
    )
    fresh_proof = models.BooleanField(
        "require password to approve", default=False, db_default=False
    )
    # What the number of a ticket looks like. Empty: none is asked for.
    ticket_pattern = models.CharField(
        "ticket format", max_length=200, blank=True, default="", db_default=""
    )
    expires_after = models.DurationField("expires after", null=True, blank=True)
    remind_after = models.DurationField("reminder after", null=True, blank=True)
    escalate_after = models.DurationField("escalate after", null=True, blank=True)
    escalate_to = models.ManyToManyField(Group, related_name="+", blank=True)
    # When a run over many items pauses for a look. Zero and empty: never.
    first_items = models.PositiveIntegerField(
        "pause after the first items", default=0, db_default=0
    )
    stop_after_failures = models.PositiveIntegerField(
        "pause after failed items", default=0, db_default=0
    )
    stop_above_percent = models.PositiveSmallIntegerField(
        "pause above failed share (%)", default=0, db_default=0
    )
    stop_above_amount = models.DecimalField(
        "pause above total", max_digits=20, decimal_places=4, null=True, blank=True
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", editable=False
    )
    # What somebody proposed and another person agreed to. Without it the rule came with the code.
    brought_by = models.OneToOneField(
        "ProposedChange",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="brought",
        editable=False,
        verbose_name="change",
    )
    in_force_since = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The transaction that wrote it, set by the database: its groups and people come with it.
    written_in = models.BigIntegerField(default=0, db_default=0, editable=False)

    history = audited(excluded_fields=["written_in"])

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(needed__gte=1), name="rule_needs_somebody"),
            models.CheckConstraint(
                condition=models.Q(expires_after=None) | models.Q(expires_after__gt=timedelta(0)),
                name="rule_gives_time_to_decide",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def limits(self) -> Limits:
        """Where a run under this rule pauses."""
        return Limits(
            self.first_items,
            self.stop_after_failures,
            self.stop_above_percent,
            self.stop_above_amount,
        )


class ProposedChange(models.Model):
    """A change to what decides about runs: made when another administrator has agreed to it.

    One of people and groups has no task. Without an `approval` it was made alone, which the database allows while nobody else has ever
    administered the task.
    """

    class Kind(models.TextChoices):
        RULE = "rule", "Change an approval rule"
        END = "end", "End an approval rule"
        GRANT = "grant", "Grant a permission"
        JOIN = "join", "Add somebody to a group"
        OPEN = "open", "Reactivate an account"
        DELEGATE = "delegate", "Delegate decisions while out of office"

    kind = models.CharField("what", max_length=10, choices=Kind)
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="proposed_changes"
    )
    # The version that is replaced or ended.
    rule = models.ForeignKey(
        ApprovalRule, models.PROTECT, null=True, blank=True, related_name="proposed_changes"
    )
    content = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now(), editable=False)
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="proposed_change"
    )
    applied_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField("closed at", null=True, blank=True)

    history = audited()

    class Meta:
        verbose_name = "proposed change"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule"],
                condition=models.Q(applied_at=None, dropped_at=None),
                name="one_open_proposed_change_for_a_rule",
            ),
            models.CheckConstraint(
                condition=models.Q(applied_at=None) | models.Q(dropped_at=None),
                name="a_proposed_change_is_made_or_dropped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.task or 'people and groups'}"
