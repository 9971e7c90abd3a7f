"""Between two items: whether the run pauses here, by its limits or because somebody asked."""

from collections.abc import Iterable

from tasks.actions.runs.effects import Planned
from tasks.declaration.errors import Busy, OutcomeUnknown, Paused, Refused
from tasks.declaration.limits import NEVER, Limits, why_stop
from tasks.models import Effect, Run
from tasks.runs.progress import count, looked_at, progress_of
from tasks.worker.heartbeat import Heartbeat

State = Effect.State


class Checkpoints:
    """Counts what came of the items of a run, from what its rows say at the beginning of an attempt.

    So it stops at the same place whatever died before.
    """

    def __init__(self, run: Run, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat
        self._limits = Limits.of(run.limits)
        unanswered = run.effects.items(State.OPEN)
        self._unanswered = set(unanswered.values_list("step", flat=True))
        if self._limits != NEVER:
            self._seen = progress_of(run)
            self._looked = looked_at(run)

    def begun_first(self, steps: Iterable[str]) -> list[str]:
        """These steps in the order in which they are done: those without an answer before others.

        While one is in doubt the run cannot pause after its last attempt. If a limit held it up, who
        says "send it again" would wait for that in vain.
        """
        return sorted(steps, key=lambda step: step not in self._unanswered)

    def before(self, item: Planned) -> None:
        """Raise `Paused` if this item may not be begun yet. One without an answer is begun already."""
        if item.step in self._unanswered:
            return
        if self._limits != NEVER:
            why = why_stop(self._limits, self._seen, self._looked, item.amount, item.currency)
            if why:
                raise Paused(why, needs_look=True)
        if self._heartbeat.pause_is_asked:
            raise Paused("Paused on request.", needs_look=False)

    def after(self, item: Planned, wrong: Refused | OutcomeUnknown | None) -> None:
        """Count an item, by what went wrong with it."""
        if self._limits == NEVER:
            return
        if item.step in self._unanswered:
            self._unanswered.discard(item.step)
            count(self._seen, State.OPEN, item.amount, item.currency, times=-1)
        if not isinstance(wrong, Busy):  # else it is not begun
            count(self._seen, _state_after(wrong), item.amount, item.currency)


def _state_after(wrong: Refused | OutcomeUnknown | None) -> State:
    if wrong is None:
        return State.DONE
    return State.OPEN if isinstance(wrong, OutcomeUnknown) else State.REFUSED
