"""When the processes behind the pages last gave a sign of life."""

from django.db import models
from django.db.models.functions import Now


class Sign(models.Model):
    """When something was last done that has to be done again and again.

    No history: it changes nothing that anybody decides. Nothing in a row is ever called, so whoever may
    write here runs no code.
    """

    class Name(models.TextChoices):
        RUNS = "runs", "A cluster that takes runs was alive"
        MESSAGES = "messages", "A cluster that sends notifications was alive"
        SWEEP = "sweep", "A worker was sent to look for what is due"
        REPLACED = "replaced", "A worker that had ended by itself was replaced"
        WRITTEN = "written", "A probe could write to the database"

    name = models.CharField(primary_key=True, max_length=20, choices=Name)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "sign of life"
        verbose_name_plural = "signs of life"

    def __str__(self) -> str:
        return f"{self.get_name_display()}: {self.at}"
