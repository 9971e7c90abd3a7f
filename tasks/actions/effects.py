"""What a run writes while it runs: its log, and each step that leaves the house."""

from datetime import timedelta
from typing import Any, Final

from django.db.models.functions import Now

from audit.clock import database_now
from tasks.models import Effect, LogLine, Run

# Stripe keeps a key for 24 hours; after that the same key would do it a second time.
KEY_LIVES: Final = timedelta(hours=23)


def write_line(run: Run, text: str) -> None:
    """Add a line to the run's log."""
    LogLine.objects.create(run=run, attempt=run.attempt, text=text)


def show_progress(run: Run, done: int, total: int) -> None:
    """Keep how far a run has come. No history: it changes nothing that anybody decides."""
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(steps_done=done, steps_total=total)


def begin_effect(run: Run, step: str) -> tuple[Effect, bool]:
    """Write down that a step is about to be sent, or return what is known of it.

    The key depends on the run and the step alone, so it is the same at every attempt. The second
    value says whether this is the first time that the step is sent.
    """
    new = {"key": f"bo-{run.pk}-{step}", "sent_at": database_now()}
    return Effect.objects.get_or_create(run=run, step=step, defaults=new)


def answer_effect(effect: Effect, answer: Any) -> None:  # noqa: ANN401 - any JSON
    """Keep what came back."""
    effect.answer = answer
    effect.answered_at = database_now()
    effect.save(update_fields=["answer", "answered_at"])


def refuse_effect(effect: Effect) -> None:
    """Note that the other side refused: nothing happened there."""
    effect.refused = True
    effect.answered_at = database_now()
    effect.save(update_fields=["refused", "answered_at"])


def has_open_effects(run: Run) -> bool:
    """Whether something was sent whose answer is not known."""
    return run.effects.filter(answered_at=None, sent_at__isnull=False).exists()


def sent_too_long_ago(run: Run) -> bool:
    """Whether a step without an answer was first sent so long ago that its key may be forgotten."""
    return run.effects.filter(answered_at=None, sent_at__lt=Now() - KEY_LIVES).exists()
