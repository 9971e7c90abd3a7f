"""People. They are deactivated, never deleted: what they did stays theirs."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from django.db.models.functions import Lower

from audit.history.records import audited


class User(AbstractUser):
    email = models.EmailField(
        "email address",
        unique=True,
        error_messages={"unique": "This email address is already used."},
    )
    groups = models.ManyToManyField(  # type: ignore[assignment]  # through a model of our own
        Group,
        through="Membership",
        related_name="user_set",
        related_query_name="user",
        blank=True,
    )

    # Somebody else chose the password: nothing can be done here before its owner has chosen another.
    must_change_password = models.BooleanField(
        "must change the password", default=False, db_default=False
    )

    # Of what this person reads and types on pages. What is on record and what is sent has TIME_ZONE.
    time_zone = models.CharField("time zone", max_length=64, blank=True, default="", db_default="")

    history = audited(excluded_fields=["password", "last_login"])

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_is_one_persons",
                violation_error_message="This email address is already used.",
            ),
            models.UniqueConstraint(
                Lower("username"),
                name="user_name_is_one_persons",
                violation_error_message="This username is already used.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ANN401
        raise models.ProtectedError(
            "People are deactivated, never deleted: their decisions must keep a name.", {self}
        )


class Membership(models.Model):
    """One person's place in one group: a row of its own, so that it has a history of its own."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    group = models.ForeignKey(Group, models.PROTECT, related_name="memberships")
    since = models.DateTimeField(auto_now_add=True)

    history = audited()

    class Meta:
        verbose_name = "group membership"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "group"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"
