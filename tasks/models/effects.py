"""The steps of a run, each of which is done once."""

from typing import ClassVar, Self

from django.db import models

from tasks.models.answers import Decoder, Encoder
from tasks.models.runs import Run


class EffectQuerySet(models.QuerySet["Effect"]):
    def items(self, *states: str) -> Self:
        """The steps that `run.each` has planned, in their order, each with its `state`.

        Those in one of these states only, if any are named.
        """
        found = self.filter(_newest_of_its_item()).annotate(state=_state_of_item())
        return found.filter(state__in=states or Effect.State.values).order_by("position")

    def sum_key(self) -> dict[str, int]:
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
        REFUSED = "refused", "Failed"
        OPEN = "open", "No answer"
        NOT_BEGUN = "not_begun", "Not started"

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
    # The other side has saved an error under the key: sent again, it only repeats that.
    key_is_used_up = models.BooleanField(default=False, db_default=False)
    # Without secrets; an answer that holds some is whole beside it, encrypted until the run has ended.
    answer = models.JSONField(null=True, blank=True, encoder=Encoder, decoder=Decoder)
    answer_ciphertext = models.BinaryField(null=True, blank=True)
    error = models.TextField(blank=True, default="", db_default="")

    objects = EffectQuerySet.as_manager()

    class Meta:
        verbose_name = "step"
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
