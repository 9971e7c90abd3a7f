"""What came of the items of a run so far, and what of it somebody has looked at. Pure questions."""

from decimal import Decimal

from tasks.declaration.limits import Progress
from tasks.models import Effect, Run

State = Effect.State


def progress_of(run: Run) -> Progress:
    """How many items were tried and failed, and what they came to. One query.

    One without an answer counts as failed, and its amount as done.
    """
    seen = Progress()
    tried = run.effects.items(State.DONE, State.REFUSED, State.OPEN)
    for item in tried.only("amount", "currency").iterator():
        count(seen, item.state, item.amount, item.currency)  # type: ignore[attr-defined]
    return seen


def count(
    seen: Progress, state: str, amount: Decimal | None, currency: str, times: int = 1
) -> None:
    """Count an item that is in this state, or take it back with `times=-1`."""
    moved = None if state == State.REFUSED else amount
    seen.add(failed=state != State.DONE, amount=moved, currency=currency, times=times)


def looked_at(run: Run) -> Progress | None:
    """How far the run was when somebody last looked and said that it may go on."""
    looked = run.pauses.filter(needs_look=True, resumed_at__isnull=False).last()
    return Progress.of(looked.seen) if looked else None
