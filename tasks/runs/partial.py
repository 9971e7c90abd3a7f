"""What a run has done where it did not get to its end: whoever asked for the same again would do it twice."""

from typing import Final

from django.db.models import QuerySet
from django.template.defaultfilters import pluralize
from django.utils.text import get_text_list

from tasks.models import Effect, Run

Status = Run.Status
NAMED: Final = 3  # steps in a sentence

_ENDED_ON_THE_WAY: Final = (Status.FAILED, Status.CANCELLED, Status.EXPIRED, Status.STALE)


def ended_half_done(run: Run) -> bool:
    """Whether a run is over and has done some of its steps, as far as anybody knows not all."""
    return run.status in _ENDED_ON_THE_WAY and has_done_something(run)


def warning_of(run: Run | None) -> str:
    """For who asks for the same again, and for who decides about it. Empty where nothing is done twice."""
    if run is None or not ended_half_done(run):
        return ""
    return f"{so_far(run)} Request only what is left."


def has_done_something(run: Run) -> bool:
    """Whether any step of it has its answer."""
    return done_steps(run).exists()


def done_steps(run: Run) -> QuerySet[Effect]:
    """The steps that happened, in their order."""
    return run.effects.filter(answered_at__isnull=False, refused=False).order_by("pk")


def so_far(run: Run) -> str:
    """“5 of 40 items were done and stay done. 34 were not begun.” Or: “refund” was done and stays done."""
    counts = run.effects.sum_key()
    if not counts:
        return _steps_so_far([*done_steps(run).values_list("step", flat=True)])
    total, left = sum(counts.values()), counts.get(Effect.State.NOT_BEGUN, 0)
    done = f"{counts.get(Effect.State.DONE, 0)} of {total} items were done and stay done."
    return f"{done} {left} {pluralize(left, 'was,were')} not started." if left else done


def _steps_so_far(steps: list[str]) -> str:
    if not steps:
        return "Nothing was done."
    names = [f"“{step}”" for step in steps[:NAMED]]
    if more := len(steps) - len(names):
        names.append(f"{more} more")
    done = "was done and stays done" if len(steps) == 1 else "were done and stay done"
    return f"{get_text_list(names, 'and')} {done}."
