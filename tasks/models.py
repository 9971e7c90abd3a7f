"""What may be run, by whom and under which rules; and every run of it."""

import uuid
from datetime import timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models.functions import Now
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from approvals.models import ApprovalRequest, Proof
from audit.history import audited
from tasks.limits import Limits


class Task(models.Model):
    """The row behind a `@task` function: what people may be granted and rules may be set on.

    Name, owner and the like are copied from the code after each migration.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    category = models.CharField(max_length=60)
    owner = models.CharField(max_length=80)
    description = models.TextField()
    timeout = models.PositiveIntegerField(help_text="Seconds a run may take.")
    idempotent = models.BooleanField("may be sent again")
    source_hash = models.CharField("fingerprint of the code", max_length=64)
    moves_money = models.BooleanField(default=False, db_default=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    history = audited()

    class Meta:
        ordering: ClassVar = ["category", "name"]
        permissions: ClassVar = [
            ("request_task", "Can request"),
            ("execute_task", "Can execute"),
            ("approve_task", "Can approve"),
        ]

    def __str__(self) -> str:
        return self.name


class Stop(models.Model):
    """That somebody has stopped something. One person stops; two start again.

    The database lets nothing begin while it stands, and ends it only with an approved request.
    """

    class Scope(models.TextChoices):
        TASK = "task", "One task"
        CATEGORY = "category", "All tasks of a category"
        MONEY = "money", "All that moves money"
        EVERYTHING = "everything", "Everything"

    scope = models.CharField("what", max_length=10, choices=Scope)
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="stops", db_index=False
    )
    category = models.CharField(max_length=60, blank=True)
    reason = models.TextField("why")
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(db_default=Now(), editable=False)
    # The newest proposal to start again.
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="stop"
    )
    ended_at = models.DateTimeField("started again at", null=True, blank=True)

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


class Emergency(models.Model):
    """That somebody ran something without the approval it needed. Two others review it.

    The database lets these rows only grow, wants fresh proof of who it was, and lets a run begin
    without approval only with one.
    """

    run = models.OneToOneField("Run", models.PROTECT, related_name="emergency")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField("why it could not wait")
    proof = models.ForeignKey(Proof, models.PROTECT, related_name="+", db_index=False)
    review = models.OneToOneField(ApprovalRequest, models.PROTECT, related_name="emergency")
    at = models.DateTimeField(db_default=Now(), editable=False)

    history = audited()

    class Meta:
        verbose_name_plural = "emergencies"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="an_emergency_has_a_reason")
        ]

    def __str__(self) -> str:
        return f"Emergency: {self.run}"


class TaskUserPermission(UserObjectPermissionBase):
    """One right of one person on one task."""

    content_object = models.ForeignKey(Task, models.CASCADE, related_name="user_grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    permission = models.ForeignKey(Permission, models.PROTECT, related_name="+", db_index=False)

    history = audited()

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = "grant to a person"
        verbose_name_plural = "grants to people"
        indexes: ClassVar = [
            models.Index(  # who may do this to that task
                fields=["content_object", "permission"], include=["user"], name="user_grant_who"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.permission.name} “{self.content_object}”"


class TaskGroupPermission(GroupObjectPermissionBase):
    """One right of one group on one task."""

    content_object = models.ForeignKey(Task, models.CASCADE, related_name="group_grants")
    group = models.ForeignKey(Group, models.PROTECT, related_name="+", db_index=False)
    permission = models.ForeignKey(Permission, models.PROTECT, related_name="+", db_index=False)

    history = audited()

    class Meta(GroupObjectPermissionBase.Meta):
        verbose_name = "grant to a group"
        verbose_name_plural = "grants to groups"
        indexes: ClassVar = [
            models.Index(
                fields=["content_object", "permission"], include=["group"], name="group_grant_who"
            )
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.permission.name} “{self.content_object}”"


class ApprovalRule(models.Model):
    """When other people must agree to a run. A row never changes: an edit is a new version."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="rules")
    name = models.CharField(max_length=120)
    condition = models.TextField(help_text="For example: amount > 100. Write true for every run.")
    groups = models.ManyToManyField(Group, related_name="+", blank=True)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)
    needed = models.PositiveSmallIntegerField("how many must agree", default=1)
    position = models.PositiveSmallIntegerField("stage", default=1)
    for_settling = models.BooleanField(
        "also when an uncertain run is settled", default=False, db_default=False
    )
    may_serve_twice = models.BooleanField(
        "who has decided another stage may decide this one too", default=False, db_default=False
    )
    fresh_proof = models.BooleanField(
        "who agrees proves anew who they are", default=False, db_default=False
    )
    # What the number of a ticket looks like. Empty: none is asked for.
    ticket_pattern = models.CharField(
        "asks for a ticket like", max_length=200, blank=True, default="", db_default=""
    )
    expires_after = models.DurationField("expires after", null=True, blank=True)
    remind_after = models.DurationField("reminds after", null=True, blank=True)
    escalate_after = models.DurationField("escalates after", null=True, blank=True)
    escalate_to = models.ManyToManyField(Group, related_name="+", blank=True)
    # When a run over many items pauses for a look. Zero and empty: never.
    first_items = models.PositiveIntegerField(
        "first items that wait for a look", default=0, db_default=0
    )
    stop_after_failures = models.PositiveIntegerField("failed items", default=0, db_default=0)
    stop_above_percent = models.PositiveSmallIntegerField("failed share", default=0, db_default=0)
    stop_above_amount = models.DecimalField(
        "amount done", max_digits=20, decimal_places=4, null=True, blank=True
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", editable=False
    )
    # What somebody proposed and another person agreed to. Without it the rule came with the code.
    brought_by = models.OneToOneField(
        "Proposal", models.PROTECT, null=True, blank=True, related_name="brought", editable=False
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


class Proposal(models.Model):
    """A change to what decides about runs: made when another administrator has agreed to it.

    One of people and groups has no task. Without an `approval` it was made alone, which the database allows while nobody else has ever
    administered the task.
    """

    class Kind(models.TextChoices):
        RULE = "rule", "Put a rule in force"
        END = "end", "End a rule"
        GRANT = "grant", "Give a right"
        JOIN = "join", "Put somebody into a group"
        OPEN = "open", "Open an account again"
        DEPUTY = "deputy", "Let somebody decide for who is away"

    kind = models.CharField("what", max_length=10, choices=Kind)
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, related_name="proposals")
    # The version that is replaced or ended.
    rule = models.ForeignKey(
        ApprovalRule, models.PROTECT, null=True, blank=True, related_name="proposals"
    )
    content = models.JSONField("what it says", default=dict)
    reason = models.TextField("why", blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now(), editable=False)
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="proposal"
    )
    applied_at = models.DateTimeField("made at", null=True, blank=True)
    dropped_at = models.DateTimeField("dropped at", null=True, blank=True)

    history = audited()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule"],
                condition=models.Q(applied_at=None, dropped_at=None),
                name="one_open_proposal_for_a_rule",
            ),
            models.CheckConstraint(
                condition=models.Q(applied_at=None) | models.Q(dropped_at=None),
                name="a_proposal_is_made_or_dropped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.task or 'people and groups'}"


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


class Run(models.Model):
    """One use of a task, with parameters that do not change any more."""

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting", "Awaiting approval"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        UNCERTAIN = "uncertain", "Uncertain"
        CANCELLED = "cancelled", "Cancelled"
        REJECTED = "rejected", "Rejected"
        RETURNED = "returned", "Changes asked for"
        EXPIRED = "expired", "Expired"
        STALE = "stale", "Out of date"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="runs_requested"
    )
    door = models.CharField(max_length=10)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=40, blank=True, default="", db_default="")
    headline = models.CharField("what", max_length=300)
    values = models.JSONField("parameters")
    preview = models.JSONField(default=list)
    # Where it stops between two items, for somebody to look: see limits.py.
    limits = models.JSONField(default=dict, db_default={}, editable=False)
    source_hash = models.CharField("fingerprint of the code", max_length=64)
    seal = models.CharField(max_length=64)
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
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # When its message was last put into the queue: the sweep repeats one that vanished.
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Not to be begun before, after an attempt that may be repeated.
    due_at = models.DateTimeField("tried again at", null=True, blank=True)
    cancel_asked_at = models.DateTimeField("asked to stop at", null=True, blank=True)
    pause_asked_at = models.DateTimeField("asked to pause at", null=True, blank=True)
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
    # What no two runs may touch at once, such as one payment. Empty: nothing.
    concurrency_key = models.CharField(
        "one at a time", max_length=200, blank=True, default="", db_default=""
    )
    output = models.JSONField(null=True, blank=True)
    error = models.TextField("what went wrong", blank=True)
    traceback = models.TextField(blank=True)

    history = audited(
        excluded_fields=[
            "preview", "output", "traceback", "lease_until", "rung_at", "steps_done",
            "steps_total",
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


class Tally(models.Model):
    """One thing that a run counts towards, where a rule adds up: this customer, that account.

    `value` is a fingerprint, so that a name or a number is not kept in a second place.
    """

    run = models.ForeignKey(Run, models.PROTECT, related_name="tallies", db_index=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    value = models.CharField(max_length=64)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "tallies"
        indexes: ClassVar = [
            models.Index(
                fields=["task", "name", "value", "recorded_at"],
                include=["run"],
                name="tally_window",
            )
        ]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "name"], name="tally_once")]

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


class EffectQuerySet(models.QuerySet["Effect"]):
    def items(self, *states: str) -> Self:
        """The steps that `run.each` has planned, in their order, each with its `state`.

        Those in one of these states only, if any are named.
        """
        found = self.filter(_newest_of_its_item()).annotate(state=_state_of_item())
        return found.filter(state__in=states or Effect.State.values).order_by("position")

    def tally(self) -> dict[str, int]:
        """How many of those steps are in which state."""
        found = self.filter(_newest_of_its_item()).annotate(state=_state_of_item())
        counted = found.order_by().values_list("state").annotate(number=models.Count("pk"))
        return dict(counted)


def _newest_of_its_item() -> models.Q:
    newer = Effect.objects.filter(
        run=models.OuterRef("run"),
        step=models.OuterRef("step"),
        generation__gt=models.OuterRef("generation"),
    )
    return models.Q(~models.Exists(newer), position__isnull=False)


def _state_of_item() -> models.Case:
    return models.Case(
        models.When(sent_at=None, then=models.Value(Effect.State.NOT_BEGUN)),
        models.When(answered_at=None, then=models.Value(Effect.State.OPEN)),
        models.When(refused=True, then=models.Value(Effect.State.REFUSED)),
        default=models.Value(Effect.State.DONE),
    )


class Effect(models.Model):
    """One step of a run: a call to the world outside our database, or a write in it.

    The row is there before the first byte leaves, and its key is the same at every attempt. Only a
    person who has looked may give a step a new key: the next generation. A step of `run.each` is
    there from the beginning, with a position and a label, and has not been sent while `sent_at`
    is empty.
    """

    class State(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        OPEN = "open", "Without an answer"
        NOT_BEGUN = "not_begun", "Not begun"

    run = models.ForeignKey(Run, models.PROTECT, related_name="effects")
    step = models.CharField(max_length=160)
    generation = models.PositiveSmallIntegerField(default=1, db_default=1)
    key = models.CharField("idempotency key", max_length=255, unique=True)
    position = models.PositiveIntegerField(null=True, blank=True)
    label = models.CharField(max_length=200, blank=True, default="", db_default="")
    # What an item comes to, as far as its task says so: the limits of a run add it up.
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True)
    refused = models.BooleanField(default=False)
    answer = models.JSONField(null=True, blank=True)
    error = models.TextField("what went wrong", blank=True, default="", db_default="")

    objects = EffectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "step", "generation"], name="effect_once"),
            models.CheckConstraint(
                condition=models.Q(answered_at=None) | models.Q(sent_at__isnull=False),
                name="an_answer_was_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.run}"


class Settlement(models.Model):
    """What a person who looked has found out about an uncertain run, and what shall follow."""

    class Finding(models.TextChoices):
        GO_ON = "go_on", "It happened: record what was found, and go on with the rest"
        HAPPENED = "happened", "It happened: record it as done, and do nothing more"
        DID_NOT = "did_not", "It did not happen, and is not to be tried again"
        SEND_AGAIN = "again", "It did not happen: send it again under the same key"
        NEW_KEY = "new_key", "It did not happen: send it again under a new key"

    run = models.ForeignKey(Run, models.PROTECT, related_name="settlements")
    finding = models.CharField(max_length=10, choices=Finding)
    reason = models.TextField()
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="settlements"
    )
    # What the other side showed when this person looked: texts, as they were on the page.
    looked_up = models.JSONField(default=list)
    approval = models.OneToOneField(
        ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="settlement"
    )
    proposed_at = models.DateTimeField(db_default=Now(), editable=False)
    applied_at = models.DateTimeField(null=True, blank=True, editable=False)
    dropped_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = audited()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run"],
                condition=models.Q(applied_at=None, dropped_at=None),
                name="one_open_settlement_per_run",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_finding_display()} ({self.run})"


class Pause(models.Model):
    """One time that a run stopped between two items: why, how far it was, and what followed."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="pauses")
    why = models.TextField()
    # Whether somebody other than who asked for the run has to look before it goes on.
    needs_look = models.BooleanField()
    # How many items were tried by then, how many failed, and the amount by currency.
    seen = models.JSONField(default=dict)
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
    states = models.JSONField("when a run", default=list)
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
        return f"{self.person} is told of “{self.task}”"
