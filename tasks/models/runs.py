"""Each use of a task: what it was given, how it went, and what it wrote."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from approvals.models import ApprovalRequest
from audit.history.records import audited
from tasks.models.catalogue import Task


class StoredFile(models.Model):
    """A file that a run was given, under the fingerprint of its content."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()
    stored_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.sha256[:12]


class StoredSecret(models.Model):
    """A secret that a run was given, encrypted, gone when the run has ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ciphertext = models.BinaryField()
    stored_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return "••••••"


class FilesOf(models.Func):
    """The SHA-256 of every file among the parameters of a run, as a JSON list."""

    function = "jsonb_path_query_array"
    template = "%(function)s(%(expressions)s, '$.*.sha256')"
    arity = 1
    output_field = models.JSONField()


class Run(models.Model):
    """One use of a task, with parameters that do not change any more."""

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting", "Awaiting approval"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        UNCERTAIN = "uncertain", "Outcome unknown"
        CANCELLED = "cancelled", "Cancelled"
        REJECTED = "rejected", "Rejected"
        RETURNED = "returned", "Changes requested"
        EXPIRED = "expired", "Expired"
        STALE = "stale", "Outdated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="runs_requested"
    )
    door = models.CharField("via", max_length=10)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=40, blank=True, default="", db_default="")
    headline = models.CharField("what", max_length=300)
    values = models.JSONField("parameters")
    preview = models.JSONField(default=list)
    # Where it stops between two items, for somebody to look: see limits.py.
    limits = models.JSONField(default=dict, db_default={}, editable=False)
    source_hash = models.CharField("fingerprint of the code", max_length=64)
    seal = models.CharField("fingerprint", max_length=64)
    needs_approval = models.BooleanField()
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="run"
    )
    status = models.CharField(max_length=10, choices=Status)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    # The worker extends it while it lives; a run that is overdue was left alone.
    lease_until = models.DateTimeField("claimed until", null=True, blank=True, editable=False)
    # When its message was last put into the queue: the sweep repeats one that vanished.
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Not to be begun before, after an attempt that may be repeated.
    due_at = models.DateTimeField("next attempt at", null=True, blank=True)
    cancel_asked_at = models.DateTimeField("cancellation requested at", null=True, blank=True)
    pause_asked_at = models.DateTimeField("pause requested at", null=True, blank=True)
    steps_done = models.PositiveIntegerField(default=0, editable=False)
    steps_total = models.PositiveIntegerField(null=True, blank=True, editable=False)
    again_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="runs_again"
    )
    undoes = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="undone_by"
    )
    # What this one is asked for instead of: its requester has changed it. Once, says the database.
    revises = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="revised_by"
    )
    # The run whose code asked for this one: see tasks/worker/children.py.
    called_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="called"
    )
    # What no two runs may touch at once, such as one payment. Empty: nothing.
    concurrency_key = models.CharField(
        "one at a time", max_length=200, blank=True, default="", db_default=""
    )
    # Of the form that was sent for it, with all that was filled in: sent again, it makes no second run.
    form_token = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    output = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    history = audited(
        excluded_fields=[
            "preview", "output", "traceback", "lease_until", "rung_at", "steps_done",
            "steps_total", "form_token",
        ]
    )  # fmt: skip

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-requested_at", "-id"], name="run_newest"),
            models.Index(fields=["task", "-requested_at", "-id"], name="run_of_task"),
            models.Index(fields=["requested_by", "-requested_at"], name="run_mine"),
            models.Index(
                fields=["queued_at"], name="run_queued", condition=models.Q(status="queued")
            ),
            models.Index(  # the sweep: runs whose worker is gone
                fields=["lease_until"], name="run_leased", condition=models.Q(status="running")
            ),
            models.Index(  # the status page and the metrics: what a person has to look at
                fields=["finished_at"],
                name="run_uncertain",
                condition=models.Q(status="uncertain"),
            ),
            models.Index(  # what is open for one payment, account and the like
                fields=["concurrency_key"],
                name="run_one_at_a_time",
                condition=~models.Q(concurrency_key="")
                & models.Q(status__in=["awaiting", "queued", "running", "paused", "uncertain"]),
            ),
            models.Index(  # what was done to one payment, account and the like a moment ago
                fields=["concurrency_key", "-requested_at"],
                name="run_about_the_same",
                condition=~models.Q(concurrency_key=""),
            ),
            GinIndex(FilesOf("values"), name="run_files"),  # who has sent the same file before
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(needs_approval=False, approval=None)
                | models.Q(needs_approval=True, approval__isnull=False),
                name="run_that_needs_approval_has_a_request",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="running")
                | (
                    ~models.Q(worker="")
                    & models.Q(started_at__isnull=False, lease_until__isnull=False)
                ),
                name="running_run_has_a_worker",
            ),
            models.UniqueConstraint(
                fields=["concurrency_key"],
                condition=models.Q(status="running") & ~models.Q(concurrency_key=""),
                name="one_run_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["form_token"],
                condition=~models.Q(form_token=""),
                name="one_run_of_a_form",
            ),
        ]

    def __str__(self) -> str:
        return self.headline

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status not in UNFINISHED


UNFINISHED = (
    Run.Status.AWAITING_APPROVAL,
    Run.Status.QUEUED,
    Run.Status.RUNNING,
    Run.Status.PAUSED,
)


# From each of these a run may still come to another end: of an unknown outcome a person finds it out.
OPEN = (*UNFINISHED, Run.Status.UNCERTAIN)


class SumKey(models.Model):
    """One thing that a run counts towards, where a rule adds up: this customer, that account.

    `value` is a fingerprint, so that a name or a number is not kept in a second place.
    """

    run = models.ForeignKey(Run, models.PROTECT, related_name="sum_keys", db_index=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    value = models.CharField(max_length=64)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "total"
        indexes: ClassVar = [
            models.Index(
                fields=["task", "name", "value", "recorded_at"],
                include=["run"],
                name="sum_key_window",
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "name"], name="sum_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.run} by {self.name}"


class LogLine(models.Model):
    """One line that a run wrote."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="log_lines", db_index=False)
    attempt = models.PositiveSmallIntegerField()
    at = models.DateTimeField(db_default=Now(), editable=False)
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["run", "id"], name="line_of_run")  # also from the newest back
        ]

    def __str__(self) -> str:
        return self.text[:80]
