"""A run over many items: each is a step of its own, and the run says what became of each."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet

from tasks.actions.runs.effects import Planned, plan_effects
from tasks.declaration.errors import Busy, Halted, OutcomeUnknown, Paused, Refused
from tasks.declaration.texts import said
from tasks.models import Effect, Run
from tasks.outputs import KeyValue
from tasks.parameters import Money
from tasks.secrets.masking import Redactor
from tasks.secrets.redaction import LONGEST, without_secrets
from tasks.secrets.storage import answer_of
from tasks.worker.checkpoints import Checkpoints
from tasks.worker.heartbeat import Heartbeat
from tasks.worker.log_buffer import LogBuffer

type Amount = Money | Decimal | int

# After so many in a row the other side is away: what is left waits for the next attempt.
GIVE_UP_AFTER: Final = 3
DIGITS: Final = 32  # of what stands for the rest of a step that is too long
CUT_AT: Final = LONGEST - DIGITS - 1


class ItemsDiffer(Exception):
    """The items are not those with which the run began, so nothing more is done."""


class Report(KeyValue):
    """What became of the items of a run, and the answer to each that was done, by its key."""

    def __init__(self, answers: Mapping[Hashable, Any], refused: int) -> None:
        self.answers = answers
        self.refused = refused
        super().__init__({"Done": len(answers)} | ({"Failed": refused} if refused else {}))


class Items[I]:
    """The items of one `run.each`, in the order of the list, each with its step."""

    def __init__(
        self,
        name: str,
        items: Iterable[I],
        *,
        key: Callable[[I], Hashable],
        label: Callable[[I], str],
        amount: Callable[[I], Amount] | None = None,
        redact: Redactor,
    ) -> None:
        self._name = without_secrets(name, redact)
        self._steps: dict[str, tuple[Hashable, I]] = {}
        self._plan: dict[str, Planned] = {}
        for item in items:
            step = _step(self._name, without_secrets(str(key(item)), redact))
            if step in self._steps:
                raise ValueError(f"Two items of “{name}” have the key {key(item)!r}: it names one.")
            self._steps[step] = key(item), item
            self._plan[step] = Planned(
                step, redact(said(label(item))), *_amount(amount(item) if amount else None)
            )

    def plan(self, run: Run) -> None:
        """Write down what is going to be done. Raises `ItemsDiffer` where another plan stands."""
        plan = self._rows(run)
        if not plan.exists():
            plan_effects(run, self._plan.values())
        elif set(plan.values_list("step", flat=True)) != self._steps.keys():
            raise ItemsDiffer(
                f"The items of “{self._name}” are not those with which this run began. Take them "
                "from the parameters, or from what does not change while it runs."
            )

    def do(
        self, run: Run, heartbeat: Heartbeat, log_buffer: LogBuffer, act: Callable[[str, I], object]
    ) -> Report:
        """Do what has no answer yet, and report. `act` does one item under the step it is given.

        A refused item does not stop the others. Neither does one where the other side was busy or
        gave no answer, unless that happens three times in a row. Raises `OutcomeUnknown` or `Busy`
        at the end where something is left that may be tried again, and `Paused` before an item where
        a limit is reached or somebody asked for it.
        """
        over = set(self._rows(run).exclude(answered_at=None).values_list("step", flat=True))
        checkpoints = Checkpoints(run, heartbeat)
        later: list[Busy | OutcomeUnknown] = []
        in_a_row = 0
        for number, step in enumerate(checkpoints.begun_first(self._steps), start=1):
            heartbeat.check_now_and_then()
            if step not in over:
                checkpoints.before(self._plan[step])
                wrong = _tried(act, step, self._steps[step][1])
                checkpoints.after(self._plan[step], wrong)
                later += [wrong] if isinstance(wrong, Busy | OutcomeUnknown) else []
                in_a_row = in_a_row + 1 if _may_be_away(wrong) else 0
            if in_a_row == GIVE_UP_AFTER:
                break
            log_buffer.progress(number, len(self._steps))
        _raise_if_any(later, of=len(self._steps))
        return self._report(run)

    def _rows(self, run: Run) -> QuerySet[Effect]:
        return run.effects.items().filter(step__startswith=f"{self._name}:"[:CUT_AT])

    def _report(self, run: Run) -> Report:
        rows = list(self._rows(run))
        answers = {self._steps[row.step][0]: answer_of(row) for row in rows if not row.refused}
        return Report(answers, refused=len(rows) - len(answers))


def _step(name: str, key: str) -> str:
    step = f"{name}:{key}"
    if len(step) <= LONGEST:
        return step
    digest = hashlib.sha256(step.encode()).hexdigest()[:DIGITS]
    return f"{step[:CUT_AT]}:{digest}"


def _tried[I](
    act: Callable[[str, I], object], step: str, item: I
) -> Refused | OutcomeUnknown | None:
    """What went wrong with one item, which is written down with it."""
    try:
        act(step, item)
    except (Refused, OutcomeUnknown) as wrong:
        return wrong
    except Halted as halted:
        # The other items are not begun, and may be when the task is started again.
        raise Paused(f"{halted.what}.", needs_look=False) from halted
    return None


def _may_be_away(wrong: Exception | None) -> bool:
    """Whether the other side may not answer the next item either. A key that is spent says nothing."""
    return isinstance(wrong, Busy) or (isinstance(wrong, OutcomeUnknown) and wrong.same_key)


def _amount(amount: Amount | None) -> tuple[Decimal | None, str]:
    if isinstance(amount, Money):
        return amount.amount, amount.currency
    return (None if amount is None else Decimal(amount)), ""


def _raise_if_any(later: list[Busy | OutcomeUnknown], *, of: int) -> None:
    unknown = [each for each in later if isinstance(each, OutcomeUnknown)]
    if unknown:
        raise OutcomeUnknown(
            f"{len(unknown)} of {of} items had no clear answer. The first: {said(unknown[0])}",
            # One that may not be sent again is not, and does not hold up the others.
            same_key=any(each.same_key for each in unknown) or len(unknown) < len(later),
        )
    if later:
        first = said(later[0])
        raise Busy(
            f"The external system was busy for {len(later)} of {of} items. The first: {first}"
        )
