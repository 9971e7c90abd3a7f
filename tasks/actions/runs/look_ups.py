"""Asking the other side what became of a step, when a person presses the button. It changes nothing there."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from audit.actions import record
from audit.models import Event
from audit.transitions import Refusal, transition
from tasks.access.restores import was_restored_since
from tasks.access.rights import NotGranted, Right, require
from tasks.actions.runs.drafts import code_of
from tasks.actions.runs.effects import key_of, open_effects
from tasks.declaration.calling import call_with
from tasks.declaration.errors import OutcomeUnknown, Refused
from tasks.declaration.look_up import Found, Sent
from tasks.declaration.registry import RegisteredTask
from tasks.declaration.resources import using
from tasks.declaration.texts import cut, said
from tasks.models import Effect, Run
from tasks.models.answers import as_json, from_json
from tasks.secrets import storage
from tasks.secrets.masking import MASK, Redactor
from tasks.secrets.redaction import redacting
from tasks.time_limits import TookTooLong, in_time

if TYPE_CHECKING:
    from backoffice.models import User

logger = logging.getLogger(__name__)

# Seconds after which no further step is asked about: a person waits for the page.
PATIENCE: Final = 20.0
# So many new keys of a step are looked for in a database that was restored.
LOST_GENERATIONS: Final = 3
# For so long a look-up says how it is now.
FRESH: Final = timedelta(minutes=10)


class NothingToLookUp(Refusal):
    """The run is not uncertain, or its code does not say how to look."""


@dataclass(frozen=True, slots=True)
class StepShown:
    """What the other side showed of one step."""

    step: str
    what: str
    happened: bool | None
    facts: list[list[str]]
    answer: Any = None

    @property
    def hides_secret(self) -> bool:
        """Whether something in its answer is masked: a run that goes on would take that for the answer."""
        return MASK in json.dumps(self.answer, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the other side: who looked, when, and what each step showed."""

    id: int
    at: datetime
    who: str
    steps: list[StepShown]

    @property
    def texts(self) -> list[str]:
        """What it showed, as a settlement keeps it."""
        seen = [f"{self.who} looked this up on {self.at:%d %b %Y at %H:%M:%S} UTC."]
        for step in self.steps:
            facts = ", ".join(f"{name}: {text}" for name, text in step.facts)
            seen.append(f"{step.step}: {step.what}{f' ({facts})' if facts else ''}")
        return seen

    @property
    def happened(self) -> dict[str, bool | None]:
        """By step, whether it happened, as far as that can be told."""
        return {shown.step: shown.happened for shown in self.steps}

    @property
    def hidden(self) -> str:
        """Why no run can go on with what it showed. Empty when it can."""
        hidden = [shown.step for shown in self.steps if shown.happened and shown.hides_secret]
        return (
            f"The answer of “{hidden[0]}” holds a secret, which a look-up does not keep. Choose "
            "another way."
            if hidden
            else ""
        )

    def of(self, step: str) -> StepShown | None:
        """What this step showed, if it was looked for."""
        return next((shown for shown in self.steps if shown.step == step), None)


def look_up(run_id: UUID | str, *, by: "User", door: str) -> Look:
    """Ask the other side what became of the steps without an answer, and keep what it shows.

    It takes as long as the other side does, outside any transaction. A look-up that fails is an
    answer, too, in words. Raises `NothingToLookUp`, or `NotGranted` for who does not administer
    the task.
    """
    run = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=run):
        require(by, Right.CHANGE, run.task)
        if run.status != Run.Status.UNCERTAIN:
            raise NothingToLookUp("The outcome of this run is already known.")
        registered = look_up_of(run)
        if registered is None:
            raise NothingToLookUp("This task has no look-up.")
    return look_for(registered, run, sent_by(run), by=by, door=door)


def look_for(
    registered: RegisteredTask, run: Run, sent: Iterable[Sent], *, by: "User", door: str
) -> Look:
    """Ask about these steps of a run, and keep what is shown."""
    give_up = monotonic() + PATIENCE
    with redacting(run) as redact:
        steps = [_masked(_ask(registered, run, each, give_up), redact) for each in sent]
    return _look(record(Event.Verb.LOOKED_UP, by=by, door=door, subject=run, data={"steps": steps}))


def look_up_of(run: Run) -> RegisteredTask | None:
    """The code behind the run's task, if it says how to look up a step."""
    try:
        registered = code_of(run.task)
    except NotGranted:
        return None
    return registered if registered.look_up else None


def sent_by(run: Run) -> Iterator[Sent]:
    """The steps without an answer, each with every key that it was sent under."""
    for effect in open_effects(run):
        sent = run.effects.filter(step=effect.step, sent_at__isnull=False)
        times = list(sent.order_by("-generation").values_list("key", "sent_at"))
        yield Sent(
            effect.step,
            [*lost_keys(run, effect), *(key for key, _ in times)],
            min(at for _, at in times if at),
            effect.label,
        )


def lost_keys(run: Run, effect: Effect) -> list[str]:
    """Keys that a step may have been sent under in a time that a restore has taken from the database."""
    if not was_restored_since(run):
        return []
    later = range(effect.generation + 1, effect.generation + 1 + LOST_GENERATIONS)
    return [key_of(run, effect.step, generation) for generation in reversed(later)]


def _ask(registered: RegisteredTask, run: Run, sent: Sent, give_up: float) -> dict[str, Any]:
    late = Found("Not looked up: the steps before took too long.", happened=None)
    found = late if monotonic() > give_up else _found(registered, run, sent)
    return {
        "step": sent.step,
        "what": cut(said(found.what)),
        "happened": found.happened,
        "facts": [[name, cut(said(text))] for name, text in found.facts.items()],
        "answer": as_json(found.answer),
    }


def _masked(step: dict[str, Any], redact: Redactor) -> dict[str, Any]:
    """What the other side shows, without secrets. Not the names, which are ours, nor the step.

    A secret may be as short as a part of them.
    """
    return step | {
        "what": redact(step["what"]),
        "facts": [[redact(str(name)), redact(text)] for name, text in step["facts"]],
        "answer": redact.value(step["answer"]),
    }


def _found(registered: RegisteredTask, run: Run, sent: Sent) -> Found:
    assert registered.look_up  # noqa: S101 - see `look_up_of`
    try:
        values = storage.typed_values(registered, run)
        look_up = partial(registered.look_up, sent)
        with using(registered.resources):
            found = in_time(lambda: call_with(look_up, values), PATIENCE)
        if not isinstance(found, Found):
            raise TypeError(f"the look-up returned {type(found).__name__} instead of Found")
        as_json(found.answer)
    except (Refused, OutcomeUnknown, TookTooLong) as refusal:
        return Found(f"The look-up failed. {said(refusal)}", happened=None)
    # Whatever the author's code raises is shown: it must not hide the other choices.
    except Exception as error:
        logger.exception("The look-up of %s for run %s failed", sent.step, run.pk)
        why = f"{type(error).__name__}: {said(error)}"
        return Found(f"The look-up failed: {why}", happened=None)
    return found


def last_look(run: Run, *, before: datetime, since: datetime | None = None) -> Look | None:
    """The newest look at the other side since then: without a time, since the run became uncertain."""
    found = Event.objects.filter(
        verb=Event.Verb.LOOKED_UP,
        subject_type=run._meta.label_lower,
        subject_id=str(run.pk),
        at__gte=since or run.finished_at,
        at__lte=before,
    ).first()
    return _look(found) if found else None


def _look(event: Event) -> Look:
    steps: list[Mapping[str, Any]] = event.data["steps"]
    shown = [StepShown(**{**step, "answer": from_json(step["answer"])}) for step in steps]
    return Look(event.pk, event.at, event.actor_label, shown)
