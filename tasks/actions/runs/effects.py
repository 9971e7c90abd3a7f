"""What a run writes while it runs: its log, and each of its steps."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import Now

from audit.database.clock import database_now
from tasks.access.stops import in_a_sentence, stop_of, task_is_stopped
from tasks.databases import writing_only_to
from tasks.declaration.errors import Halted, NotOurs
from tasks.declaration.texts import said
from tasks.models import Effect, Run
from tasks.models.answers import NotStorable, stored_answer
from tasks.queue.kill_points import killpoint
from tasks.secrets import storage
from tasks.secrets.masking import Redactor

# Stripe keeps a key for 24 hours; after that the same key would do it a second time.
KEY_LIVES: Final = timedelta(hours=23)

LINES: Final = """
INSERT INTO tasks_logline (run_id, attempt, at, text)
SELECT %s, %s, clock_timestamp() - make_interval(secs => age), text
FROM unnest(%s::float8[], %s::text[]) WITH ORDINALITY AS line (age, text, number)
ORDER BY number
"""


def write_lines(run: Run, lines: Sequence[tuple[float, str]]) -> None:
    """Add lines to the run's log, each with the moment (of `time.monotonic`) when it was written."""
    now = time.monotonic()  # the database's clock says when, ours only how long ago
    ages = [now - at for at, _ in lines]
    texts = [text for _, text in lines]
    with connection.cursor() as cursor:
        cursor.execute(LINES, [run.pk, run.attempt, ages, texts])
    killpoint("lines-written")


def show_progress(run: Run, done: int, total: int) -> None:
    """Keep how far a run has come. No history: it changes nothing that anybody decides."""
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(steps_done=done, steps_total=total)


def begin_effect(run: Run, step: str) -> tuple[Effect, bool]:
    """Write down that a step is about to be sent, or return what is known of its newest generation.

    The key depends on the run, the step and the generation alone, so it is the same at every
    attempt. The second value says whether this is the first time that it is sent under its key.
    """
    effect = run.effects.filter(step=step).order_by("-generation").first()
    _not_stopped(run)
    if effect is None:
        key = key_of(run, step)
        return Effect.objects.create(run=run, step=step, key=key, sent_at=database_now()), True
    if effect.sent_at is None:
        effect.sent_at = database_now()
        effect.save(update_fields=["sent_at"])
        return effect, True
    return effect, False


def _not_stopped(run: Run) -> None:
    """Raise `Halted` where somebody has stopped the task: no step is begun after that."""
    if task_is_stopped(run.task) and (stop := stop_of(run.task)):
        raise Halted(in_a_sentence(stop), stop.reason)


@dataclass(frozen=True, slots=True)
class Planned:
    """An item that a run is going to do: its step, what people read, and what it comes to."""

    step: str
    label: str
    amount: Decimal | None = None
    currency: str = ""


def plan_effects(run: Run, items: Iterable[Planned]) -> None:
    """Write down, in this order, what a run is going to do.

    Nothing is begun, and what is there already stays as it is.
    """
    planned = (
        Effect(
            run=run,
            step=item.step,
            key=key_of(run, item.step),
            position=position,
            label=item.label[:200],
            amount=item.amount,
            currency=item.currency,
        )
        for position, item in enumerate(items, start=1)
    )
    Effect.objects.bulk_create(planned, batch_size=1000, ignore_conflicts=True)


def key_of(run: Run, step: str, generation: int = 1) -> str:
    """The idempotency key of a step: no two steps or generations have the same one.

    The generation stands before the step: behind it, the second “pay” would be the first “pay-2”.
    """
    return f"bo-{run.pk}-{step}" if generation == 1 else f"bo-{run.pk}.{generation}-{step}"


def answer_effect(effect: Effect, answer: Any, redact: Redactor) -> None:  # noqa: ANN401 - see tasks/models/answers.py
    """Keep what came back."""
    storage.keep_answer(effect, answer, redact)
    effect.refused = False
    effect.error = ""
    _close(effect)


def refuse_effect(effect: Effect, why: str) -> None:
    """Note that the other side refused: nothing happened there."""
    effect.refused = True
    effect.error = why
    _close(effect)


def _close(effect: Effect) -> None:
    effect.answered_at = database_now()
    effect.save(update_fields=["answer", "answer_ciphertext", "refused", "error", "answered_at"])


def postpone_effect(effect: Effect, why: str) -> None:
    """Note that nothing has been begun yet: the other side was busy, and may be asked again."""
    effect.sent_at = effect.answered_at = None
    effect.refused = False
    effect.error = why
    effect.save(update_fields=["sent_at", "answered_at", "refused", "error"])


def doubt_effect(effect: Effect, why: str, *, same_key: bool = True) -> None:
    """Note that something was sent whose answer is not known, and whether its key can still get one."""
    effect.error = why
    effect.key_is_used_up = not same_key
    effect.save(update_fields=["error", "key_is_used_up"])


def write_effect(run: Run, step: str, write: Callable[[], Any], redact: Redactor) -> Any:  # noqa: ANN401 - see tasks/models/answers.py
    """Do a step that only writes to our own database, in one transaction with its row.

    So it happens exactly once, whatever dies when. Returns what `write` returned, the first time
    and every other time. Raises `NotOurs` if the run was taken from this worker, `NotAllowedHere` for a
    write to another database, which no transaction would hold together with this one.
    """
    with transaction.atomic(), writing_only_to(DEFAULT_DB_ALIAS):
        # Until the commit nobody takes the run away, and two attempts come one after the other.
        mine = Run.objects.filter(pk=run.pk, attempt=run.attempt, status=Run.Status.RUNNING)
        if not mine.select_for_update(no_key=True).exists():
            raise NotOurs("Another worker has taken over this run.")
        effect = Effect.objects.filter(run=run, step=step).first()
        if effect and effect.answered_at and not effect.refused:
            return storage.answer_of(effect)
        _not_stopped(run)
        answer = written_by(step, write)
        effect = effect or Effect(run=run, step=step, key=key_of(run, step))
        storage.keep_answer(effect, answer, redact)
        effect.refused, effect.error = False, ""
        effect.sent_at = effect.answered_at = database_now()
        effect.save()
        killpoint("write-made")
    killpoint("write-committed")
    return answer


def written_by(step: str, write: Callable[[], object]) -> Any:  # noqa: ANN401 - see tasks/models/answers.py
    """What a write answers, as each later attempt gets it. Raises `NotStorable`, so that nothing is written."""
    answer = write()
    try:
        return stored_answer(answer)
    # Whatever the answer's own code raises.
    except Exception as error:
        why = f"The answer of “{step}” cannot be kept: {said(error)}. Nothing was written."
        raise NotStorable(why) from error


def refuse_write(run: Run, step: str, why: str) -> None:
    """Note that a step in our own database was refused: its transaction has left nothing there."""
    now = database_now()
    found = {"sent_at": now, "answered_at": now, "refused": True, "error": why}
    Effect.objects.update_or_create(
        run=run, step=step, defaults=found, create_defaults=found | {"key": key_of(run, step)}
    )


def reopen_effect(effect: Effect) -> None:
    """Note that a step is begun again whose refusal said that nothing had happened."""
    effect.sent_at, effect.answered_at, effect.refused = database_now(), None, False
    effect.save(update_fields=["sent_at", "answered_at", "refused"])


def open_effects(run: Run) -> QuerySet[Effect]:
    """The steps that were sent and whose answer is not known."""
    return open_effects_of(run.pk)


def open_effects_of(run_id: UUID | OuterRef) -> QuerySet[Effect]:
    """The same for a run that is only named, also inside a query."""
    return Effect.objects.filter(run=run_id, answered_at=None, sent_at__isnull=False)


def sent_too_long_ago(run: Run) -> bool:
    """Whether a step without an answer was first sent so long ago that its key may be forgotten."""
    return run.effects.filter(answered_at=None, sent_at__lt=Now() - KEY_LIVES).exists()


def is_too_old(effect: Effect) -> bool:
    """Whether this one was first sent so long ago that its key may be forgotten."""
    return Effect.objects.filter(pk=effect.pk, sent_at__lt=Now() - KEY_LIVES).exists()
