"""Facts that are no change of a field: a sign-in, a refused attempt, an export."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Now, Upper

from audit.context import Door


class Event(models.Model):
    """One fact. Written by `audit.actions.record`; the database refuses to change it."""

    class Verb(models.TextChoices):
        SIGNED_IN = "signed_in", "signed in"
        SIGN_IN_REFUSED = "sign_in_refused", "sign-in denied"
        SIGNED_OUT = "signed_out", "signed out"
        REFUSED = "refused", "denied"
        EXPORTED = "exported", "exported"
        REVEALED = "revealed", "revealed"
        LOOKED_UP = "looked_up", "looked up"

    # The trigger that stamps history rows stamps this one, whatever the application says.
    at = models.DateTimeField("when", db_column="recorded_at", db_default=Now(), editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name="person",
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    actor_label = models.TextField("person")
    door = models.CharField("via", max_length=20, choices=Door)
    verb = models.CharField("action", max_length=20, choices=Verb)
    subject_type = models.CharField("object type", max_length=100, blank=True)
    subject_id = models.CharField("object ID", max_length=100, blank=True)
    subject_label = models.TextField("object", blank=True)
    reason = models.TextField("reason", blank=True)
    request_id = models.CharField("request ID", max_length=32, blank=True)
    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    data = models.JSONField("details", default=dict, blank=True)

    class Meta:
        verbose_name = "access log entry"
        verbose_name_plural = "access log entries"
        ordering = ("-pk",)
        default_permissions = ()
        permissions: ClassVar = [("view_everything", "Can view everything and change nothing")]
        indexes: ClassVar = [
            models.Index(fields=["actor", "-id"], name="event_by_actor"),
            models.Index(fields=["verb", "-id"], name="event_by_verb"),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="event_by_subject"),
            models.Index(
                OpClass(Upper("actor_label"), name="text_pattern_ops"), name="event_by_label"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label}: {self.get_verb_display()}"


class SavedFilter(models.Model):
    """A filter of a list under a name of one's own. A preference: nobody else sees it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    address = models.CharField(max_length=200)  # of the list, without the filter
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)
    saved_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "address", "name"], name="a_filter_has_a_name_of_its_own"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def link(self) -> str:
        """The list with this filter."""
        return f"{self.address}?{self.query}"
