"""The tasks, and who may do what to each."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from audit.history.records import audited


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
    idempotent = models.BooleanField("safe to retry")
    source_hash = models.CharField("fingerprint of the code", max_length=64)
    moves_money = models.BooleanField(default=False, db_default=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    history = audited()

    class Meta:
        ordering: ClassVar = ["category", "name"]
        permissions: ClassVar = [
            ("request_task", "Can request"),
            ("execute_task", "Can run"),
            ("approve_task", "Can approve"),
        ]

    def __str__(self) -> str:
        return self.name


class TaskUserPermission(UserObjectPermissionBase):
    """One right of one person on one task."""

    content_object = models.ForeignKey(Task, models.CASCADE, related_name="user_grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    permission = models.ForeignKey(Permission, models.PROTECT, related_name="+", db_index=False)

    history = audited()

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = "permission of a person"
        verbose_name_plural = "permissions of people"
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
        verbose_name = "permission of a group"
        verbose_name_plural = "permissions of groups"
        indexes: ClassVar = [
            models.Index(
                fields=["content_object", "permission"], include=["group"], name="group_grant_who"
            )
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.permission.name} “{self.content_object}”"
