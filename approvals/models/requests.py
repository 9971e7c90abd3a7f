"""The question put to people, who may answer it, and what each of them answered.

The database refuses, too, what `approvals.actions` refuses: see
approvals/migrations/guards/.
"""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Now

from audit.history.records import audited


class SlackMode(models.TextChoices):
    """How much of a request Slack may see, and whether it may be decided there."""

    OFF = "off", "Nothing"
    NOTIFY = "notify", "That a request needs review"
    LINK = "link", "Requester and request, with a link"
    DECIDE = "decide", "The whole request, with buttons to decide"


class ApprovalRequest(models.Model):
    """One sealed question. It never changes: what is asked anew is a new request."""

    class Status(models.TextChoices):
        PENDING = "pending", "Awaiting approval"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        RETURNED = "returned", "Changes requested"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"
        STALE = "stale", "Outdated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField("title", max_length=300)
    # What a decider is shown: {"facts": [[label, text]], "changes": [[label, before, after]]}.
    shown = models.JSONField(default=dict)
    seal = models.CharField("fingerprint of the request", max_length=64)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="requests_made"
    )
    reason = models.TextField("reason", blank=True)
    # Whether who asked can change it and ask anew: not what somebody found, or a look at a pause.
    revisable = models.BooleanField("can be sent back", default=False, db_default=False)
    # Said when it is opened: a setting that is changed later changes no message that is out there.
    slack_mode = models.CharField(
        "in Slack", max_length=10, choices=SlackMode, default=SlackMode.LINK, db_default="link"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    opened_at = models.DateTimeField("requested at", db_default=Now(), editable=False)
    expires_at = models.DateTimeField("expires at")
    closed_at = models.DateTimeField("closed at", null=True, blank=True)
    # The transaction that opened it, set by the database: stages and reviewers come with it.
    opened_in = models.BigIntegerField(default=0, editable=False)

    history = audited(excluded_fields=["shown", "opened_in"])

    class Meta:
        verbose_name = "request"
        indexes: ClassVar = [
            # The inbox: what waits, oldest first.
            models.Index(
                fields=["opened_at"],
                name="request_waiting",
                condition=models.Q(status="pending"),
            ),
            models.Index(fields=["requested_by", "-opened_at"], name="request_mine"),
            models.Index(fields=["-opened_at", "-id"], name="request_newest"),
        ]

    def __str__(self) -> str:
        return self.title


class Stage(models.Model):
    """So many of these people must agree, before the next stage is asked."""

    request = models.ForeignKey(ApprovalRequest, models.PROTECT, related_name="stages")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    condition = models.TextField("the rule's condition", blank=True)
    # In words, with the numbers of the case: what was reached then, whatever comes after.
    because = models.TextField("why it is needed", blank=True, default="", db_default="")
    needed = models.PositiveSmallIntegerField()
    groups = models.ManyToManyField(Group, related_name="+")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    # Whoever holds this right, too, for as long as they hold it: see `approvals.requests.rights`.
    right_held = models.CharField(
        "or who has the permission", max_length=40, default="", db_default=""
    )
    right_on = models.PositiveBigIntegerField("on", null=True)
    may_serve_twice = models.BooleanField(
        "the same reviewer can decide several stages", default=False, db_default=False
    )
    # Copies of what the rule says. The times are counted from the request.
    remind_after = models.DurationField("reminder after", null=True, blank=True)
    escalate_after = models.DurationField("escalate after", null=True, blank=True)
    escalate_to = models.ManyToManyField(Group, related_name="+")
    fresh_proof = models.BooleanField(
        "require password to approve", default=False, db_default=False
    )
    picked = models.BooleanField(
        "reviewers chosen by the requester", default=False, db_default=False
    )

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "position"], name="stage_once"),
            models.CheckConstraint(condition=models.Q(needed__gte=1), name="stage_needs_somebody"),
            models.CheckConstraint(
                condition=models.Q(right_held="", right_on=None)
                | (~models.Q(right_held="") & models.Q(right_on__isnull=False)),
                name="a_right_is_on_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Absence(models.Model):
    """That somebody is away, and who decides in their place meanwhile.

    It covers what is asked while it is known. It ends by its time, or early by `ended_at`, which
    takes back what the deputy has agreed to and what has not been done yet.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="absences",
        verbose_name="person",
    )
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="absences_of_others",
        verbose_name="delegate",
    )
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    ended_at = models.DateTimeField("ended early at", null=True, blank=True)

    history = audited()

    class Meta:
        verbose_name = "out-of-office period"
        ordering: ClassVar = ["starts_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(person=models.F("delegate")),
                name="nobody_is_their_own_delegate",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at__lt=models.F("ends_at")),
                name="an_absence_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} decides for {self.person}"


class Reviewer(models.Model):
    """A place from which to decide: who had one when the request was opened. Nobody joins later.

    To whom a stage escalates is said at the opening as well, with the time from which they may
    decide: `not_before`. So is who stands in for whom; the two share one place.
    """

    stage = models.ForeignKey(Stage, models.PROTECT, related_name="reviewers")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_places"
    )
    not_before = models.DateTimeField("can decide from", null=True, blank=True)
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name="on behalf of",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "stage", "on_behalf_of"],
                nulls_distinct=False,
                name="one_place_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.person)


class FollowUp(models.Model):
    """That people of a stage were reminded, others are asked, or nobody is left: once a stage."""

    class Kind(models.TextChoices):
        REMINDED = "reminded", "Reminded"
        ESCALATED = "escalated", "Escalated"
        NOBODY = "nobody", "No reviewer is left"

    stage = models.ForeignKey(Stage, models.PROTECT, related_name="follow_ups", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    # Stamped by the database, which lets these rows only grow.
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "follow-up"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stage", "kind"], name="followed_up_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.stage}"


class Proof(models.Model):
    """That somebody proved anew who they are, in one session. The database lets it only grow."""

    class Kind(models.TextChoices):
        PASSWORD = "password", "Password"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="proofs")
    kind = models.CharField(max_length=10, choices=Kind)
    session = models.CharField("digest of the session", max_length=64)
    door = models.CharField("via", max_length=10)
    # Stamped by the database.
    proved_at = models.DateTimeField(db_column="recorded_at", db_default=Now(), editable=False)

    class Meta:
        verbose_name = "password confirmation"
        indexes: ClassVar = [
            models.Index(fields=["person", "session", "-proved_at"], name="proof_of_person")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.person}"


class Decision(models.Model):
    """One person's answer to exactly what they were shown."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approved"
        REJECT = "reject", "Rejected"
        CHANGE = "change", "Requested changes"

    request = models.ForeignKey(ApprovalRequest, models.PROTECT, related_name="decisions")
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="decisions")
    # A copy that the database compares: a constraint cannot look into another table.
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions"
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name="on behalf of",
    )
    verdict = models.CharField("decision", max_length=10, choices=Verdict)
    seal = models.CharField("fingerprint of what was shown", max_length=64)
    door = models.CharField("via", max_length=10)
    reason = models.TextField(blank=True)
    proof = models.ForeignKey(
        Proof, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(db_default=Now(), editable=False)

    history = audited()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            # One in the whole request, says the guard, unless the stage allows otherwise.
            models.UniqueConstraint(fields=["stage", "decided_by"], name="one_person_one_decision"),
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("requested_by")),
                name="nobody_decides_their_own_request",
            ),
            models.CheckConstraint(
                condition=models.Q(verdict="approve") | ~models.Q(reason=""),
                name="only_an_approval_needs_no_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["approve", "reject", "change"]),
                name="a_decision_is_one_of_three",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.decided_by}"


class Notification(models.Model):
    """Something that a person is told. It asks nothing and decides nothing.

    `event` is what kind of thing happened, such as `run_failed`; with `occurrence` it makes telling
    twice harmless. The subject is what the notice leads to.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", db_index=False
    )
    event = models.CharField(max_length=40)
    occurrence = models.CharField(max_length=40, blank=True)
    text = models.TextField()
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    told_at = models.DateTimeField("notified at", db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "notification"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "event", "subject_type", "subject_id", "occurrence"],
                name="told_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "-id"], name="notification_mine"),
            models.Index(
                fields=["person"], name="notification_unread", condition=models.Q(read_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.text
