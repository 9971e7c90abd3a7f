"""What follows from each finding about an uncertain run, and when it may not be chosen."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from audit.database.clock import database_now
from tasks.actions.runs.effects import (
    answer_effect,
    key_of,
    open_effects,
    refuse_effect,
    sent_too_long_ago,
)
from tasks.actions.runs.look_ups import FRESH, Look, look_up_of
from tasks.models import Effect, Resolution, Run
from tasks.runs.partial import so_far
from tasks.runs.states import end, enqueue
from tasks.runs.texts import moment
from tasks.secrets.redaction import redactor_for

Finding = Resolution.Finding
Status = Run.Status

LOOK_FIRST: Final = "Look it up first."
NOT_AGAIN: Final = "This task cannot be retried safely: its code does not allow it."


def objection(run: Run, finding: Resolution.Finding, look: Look | None, *, at: datetime) -> str:
    """Why this does not follow from what is known of the run at that time. Empty when it may."""
    return _OBJECTIONS[finding](run, look, at)


def _to_having_happened(run: Run, look: Look | None, at: datetime) -> str:
    steps = _to_look_up(run)
    if not steps:
        return ""
    if look is None:
        return LOOK_FIRST
    absent = [step for step in steps if (shown := look.of(step)) and shown.happened is False]
    return f"The look-up shows that “{absent[0]}” did not happen." if absent else ""


def _to_doing_nothing(run: Run, look: Look | None, at: datetime) -> str:
    steps = _to_look_up(run)
    return _all_seen_to_have_happened(look) or (_not_looked(look, at) if steps else "")


def _to_look_up(run: Run) -> list[str]:
    """The steps without an answer, where the task's code can look them up."""
    return [effect.step for effect in open_effects(run)] if look_up_of(run) else []


def _to_the_same_key(run: Run, look: Look | None, at: datetime) -> str:
    if not run.task.idempotent:
        return NOT_AGAIN
    effects = list(open_effects(run))
    if effects and all(effect.key_is_used_up for effect in effects):
        return (
            "The external system has saved an error under this key, and would only repeat it. "
            "Look it up. If it did not happen, retry with a new key."
        )
    if why := _all_seen_to_have_happened(look):
        return why
    if sent_too_long_ago(run):
        return (
            "The key is older than 23 hours. The external system may have forgotten it and do it a "
            "second time."
        )
    return ""


def _to_a_new_key(run: Run, look: Look | None, at: datetime) -> str:
    if not run.task.idempotent:
        return NOT_AGAIN
    steps = [effect.step for effect in open_effects(run)]
    if not steps:
        return "Every step has an answer, so no step needs a new key."
    if why := _not_looked(look, at) or _seen_to_have_happened(look):
        return why
    if look and (until := _under_way_until(run)) > look.at:
        return (
            f"The last attempt may still have been running until {moment(until, seconds=True)}. "
            "Look it up again after that."
        )
    return _not_seen(look, steps, happened=False)


def _to_going_on(run: Run, look: Look | None, at: datetime) -> str:
    if not run.task.idempotent:
        return NOT_AGAIN
    steps = [effect.step for effect in open_effects(run)]
    if not steps:
        return "Every step has an answer, so there is nothing to record."
    if why := _not_looked(look, at) or _not_seen(look, steps, happened=True):
        return why
    return look.hidden if look else ""


def _not_looked(look: Look | None, at: datetime) -> str:
    if look is None:
        return LOOK_FIRST
    if at - look.at > FRESH:
        return "The last look-up is older than 10 minutes. Look it up again."
    return ""


def _seen_to_have_happened(look: Look | None) -> str:
    happened = [step.step for step in look.steps if step.happened] if look else []
    return f"The look-up shows that “{happened[0]}” happened." if happened else ""


def _all_seen_to_have_happened(look: Look | None) -> str:
    """Where only some did, the others did not: each is recorded as the look-up shows it."""
    all_did = look and look.steps and all(step.happened for step in look.steps)
    return _seen_to_have_happened(look) if all_did else ""


def _not_seen(look: Look | None, steps: list[str], *, happened: bool) -> str:
    for step in steps:
        shown = look.of(step) if look else None
        if shown is None or shown.happened is not happened:
            did = "happened" if happened else "did not happen"
            return f"The look-up does not show that “{step}” {did}."
    return ""


def _under_way_until(run: Run) -> datetime:
    """Until when a call of the last attempt may have been on its way: then its time was over."""
    started = run.started_at or run.queued_at or run.requested_at
    return started + timedelta(seconds=run.task.timeout)


_OBJECTIONS: Final[Mapping[str, Callable[[Run, Look | None, datetime], str]]] = {
    Finding.GO_ON: _to_going_on,
    Finding.HAPPENED: _to_having_happened,
    Finding.DID_NOT: _to_doing_nothing,
    Finding.SEND_AGAIN: _to_the_same_key,
    Finding.NEW_KEY: _to_a_new_key,
}


def follow(run: Run, resolution: Resolution, look: Look | None) -> None:
    """Do what follows from a finding, in the caller's transaction. The run is locked."""
    said = f"{resolution.resolved_by}: {resolution.reason}"
    match Finding(resolution.finding):
        case Finding.HAPPENED:
            _record_answers(run, look, said)
            run.output = {"kind": "text", "text": f"Recorded by {said}"}
            run.error = ""
            end(run, Status.SUCCEEDED, at=database_now())
        case Finding.DID_NOT:
            known = _record_what_happened(run, look)
            _refuse(run, said)
            run.error = f"{known or 'It'} did not happen, according to {said}"
            end(run, Status.FAILED, at=database_now())
        case Finding.GO_ON:
            _record_answers(run, look, said)
            _queue(run)
        case Finding.NEW_KEY:
            for effect in _refuse(run, said):
                _next_generation(run, effect)
            _queue(run)
        case Finding.SEND_AGAIN:
            _queue(run)


def _queue(run: Run) -> None:
    # That it was to be stopped was about the attempt that is over.
    run.cancel_asked_at = None
    enqueue(run, now=database_now())


def _record_answers(run: Run, look: Look | None, said: str) -> None:
    for effect in open_effects(run):
        shown = look.of(effect.step) if look else None
        found: Any = shown.answer if shown and shown.happened else {"resolved": said}
        answer_effect(effect, found, redactor_for(run))


def _record_what_happened(run: Run, look: Look | None) -> str:
    """Of several steps without an answer, keep the answers of those that the look-up shows."""
    happened = {s.step: s.answer for s in look.steps if s.happened} if look else {}
    for effect in open_effects(run).filter(step__in=happened):
        answer_effect(effect, happened[effect.step], redactor_for(run))
    return f"{so_far(run)} The rest" if happened else ""


def _refuse(run: Run, said: str) -> list[Effect]:
    effects = list(open_effects(run))
    for effect in effects:
        refuse_effect(effect, f"Investigated: it did not happen. {said}")
    return effects


def _next_generation(run: Run, effect: Effect) -> None:
    generation = effect.generation + 1
    Effect.objects.create(
        run=run,
        step=effect.step,
        generation=generation,
        key=key_of(run, effect.step, generation),
        position=effect.position,
        label=effect.label,
    )
