"""Up to which amount a person runs a task without the page that asks them to check it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from tasks.models.catalogue import Task


class ConfirmationLimit(models.Model):
    """One person's limit for one task, in one currency.

    A preference: it saves a page that only they would see, and no approval by anybody.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+")
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    currency = models.CharField(max_length=3)
    set_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "task", "currency"],
                name="one_confirmation_limit_for_each_currency",
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="a_confirmation_limit_is_an_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} up to {self.amount} {self.currency} by {self.person}"
