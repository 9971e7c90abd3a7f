"""What goes out, and what became of it. Only `approvals.notifications.notify` and `approvals.actions` write here."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Now

from audit.history.records import audited

CHANGE_OVER: Final = timedelta(days=1)  # from one secret of a webhook to the next
CONFIRM_WITHIN: Final = timedelta(minutes=10)  # a Slack account that somebody says is theirs


class Delivery(models.Model):
    """One message to one address. Written with the fact that it tells, sent after the commit.

    No history: it changes nothing that anybody decides. `text` is what the notice says as well.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    channel = models.CharField(max_length=20)
    address = models.CharField(max_length=254)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="deliveries"
    )
    group = models.ForeignKey(Group, models.PROTECT, null=True, related_name="+", db_index=False)
    event = models.CharField(max_length=40)
    occurrence = models.CharField(max_length=40, blank=True)
    text = models.TextField()
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    # Where the subject is a request: what a channel shows in full, and keeps up to date.
    request = models.ForeignKey(
        "approvals.ApprovalRequest", models.PROTECT, null=True, related_name="deliveries"
    )
    asks = models.BooleanField("needs a decision", default=False)

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField("claimed until", null=True)
    sent_at = models.DateTimeField(null=True)
    external = models.JSONField("external ids", default=dict)
    # The state of the request that the message shows: see `approvals.requests.versions`.
    shown_version = models.CharField(max_length=30, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("manage_channels", "Can manage channels and send again")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "event", "occurrence", "channel", "address"],
                name="delivered_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="delivery_due",
                condition=models.Q(status__in=["queued", "sending"]),
            ),
            models.Index(
                fields=["due_at"],
                name="delivery_shows_open",
                condition=models.Q(status="sent", shown_version__startswith="pending"),
            ),
            models.Index(
                fields=["-id"], name="delivery_failed", condition=models.Q(status="failed")
            ),
            models.Index(  # the last ones of an endpoint, on the page of webhooks
                fields=["address", "-id"],
                name="delivery_of_webhook",
                condition=models.Q(channel="webhook"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text} ({self.channel})"


class ChannelShutdown(models.Model):
    """A channel that stopped itself because its settings are wrong, until it is tried again."""

    channel = models.CharField(max_length=20, unique=True)
    why = models.TextField()
    since = models.DateTimeField(db_default=Now(), editable=False)
    retry_at = models.DateTimeField()

    history = audited()

    class Meta:
        verbose_name = "channel shutdown"

    def __str__(self) -> str:
        return f"{self.channel.capitalize()} is turned off: {self.why}"


class NotificationSetting(models.Model):
    """That a person wants, or does not want, to be told of an event by a channel.

    Without a row they are told. The inbox has no rows: it is always on.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="notification_settings",
        db_index=False,
    )
    event = models.CharField(max_length=40)
    channel = models.CharField(max_length=20)
    wanted = models.BooleanField()

    history = audited()

    class Meta:
        verbose_name = "notification setting"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "event", "channel"], name="preferred_once")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.event} by {self.channel}"


class MailLink(models.Model):
    """A link in an email: for one person, one request, and what it asked when it was sent.

    It identifies and does not authorise. The token itself is in the email only. Used once, by the
    decision made through it.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request = models.ForeignKey("approvals.ApprovalRequest", models.PROTECT, related_name="+")
    seal = models.CharField("fingerprint of what was requested", max_length=64)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "email link"

    def __str__(self) -> str:
        return f"Link of {self.person} to {self.request}"


class WebhookEndpoint(models.Model):
    """Where a webhook is sent. The secret is encrypted, and stands in no history.

    After a change it is signed with the secret before it as well, until `both_until`.
    """

    url = models.URLField("endpoint URL", max_length=500, unique=True)
    ciphertext = models.BinaryField()
    former_ciphertext = models.BinaryField(default=bytes, db_default=b"")
    secret_since = models.DateTimeField("secret since", db_default=Now())
    events = models.JSONField(default=list)
    is_active = models.BooleanField("active", default=True)

    history = audited(excluded_fields=["ciphertext", "former_ciphertext"])

    class Meta:
        verbose_name = "webhook endpoint"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(url__startswith="https://"), name="a_webhook_goes_by_https"
            )
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def both_until(self) -> datetime:
        """Until when what is sent is signed with the former secret, too."""
        return self.secret_since + CHANGE_OVER


class SlackLink(models.Model):
    """Whose Slack account this is: said by a person who was signed in, confirmed by a click there.

    The only way in which anybody is known in Slack. The database lets a link be confirmed once, in
    time, and ended once; a person who links another account has a new row.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="slack_links", db_index=False
    )
    team = models.CharField("workspace", max_length=20)
    user = models.CharField("Slack user", max_length=20)
    offered_at = models.DateTimeField(db_default=Now(), editable=False)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    history = audited()

    class Meta:
        verbose_name = "linked Slack account"
        indexes: ClassVar = [models.Index(fields=["person", "-id"], name="slack_link_of_person")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(confirmed_at__isnull=False, ended_at=None),
                name="one_slack_account_of_a_person",
            ),
            models.UniqueConstraint(
                fields=["team", "user"],
                condition=models.Q(confirmed_at__isnull=False, ended_at=None),
                name="one_person_of_a_slack_account",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_at=None)
                | models.Q(confirmed_at__lte=models.F("offered_at") + CONFIRM_WITHIN),
                name="a_slack_link_is_confirmed_in_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} as {self.user}"

    @property
    def confirm_until(self) -> datetime:
        """Until when a click confirms it."""
        return self.offered_at + CONFIRM_WITHIN


class GroupSlackChannel(models.Model):
    """The Slack channel in which a group is asked. What is posted there names no customer."""

    group = models.OneToOneField(Group, models.PROTECT, related_name="slack_room")
    channel = models.CharField("Slack channel", max_length=20)

    history = audited()

    class Meta:
        verbose_name = "Slack channel of a group"
        verbose_name_plural = "Slack channels of groups"

    def __str__(self) -> str:
        return f"{self.group} in {self.channel}"
