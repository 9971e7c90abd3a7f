"""The past that sums are made of: which runs count, and for how much.

A run counts from the moment it is asked for until it is known that nothing came of it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.db.models import Case, Count, DecimalField, Exists, OuterRef, Q, QuerySet, Sum, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Now

from tasks import locks
from tasks.models import Effect, Run, SumKey
from tasks.parameters import DoesNotFit, Parameter, addends, grouping_names
from tasks.rules import sums
from tasks.rules.conditions import Facts

Status = Run.Status

COUNTED: Final = (
    Status.AWAITING_APPROVAL,
    Status.QUEUED,
    Status.RUNNING,
    Status.PAUSED,
    Status.SUCCEEDED,
    Status.UNCERTAIN,
)
# As parameters are stored; a cast of another text would fail.
NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?$"
ABOVE_ZERO: Final = NUMBER.replace("-?", "")


class _Exact(DecimalField):  # type: ignore[type-arg]
    """A number of the database that is not rounded."""

    def db_type(self, connection: object) -> str:
        return "numeric"


def counts() -> Q:
    """Runs from which something came or may come: also those that ended badly, half done."""
    sent = Effect.objects.filter(run=OuterRef("pk"), sent_at__isnull=False, refused=False)
    return Q(status__in=COUNTED) | Q(Exists(sent))


def hold(wanted: Iterable[sums.Sum], facts: Facts) -> None:
    """Wait for everybody else who adds to one of these sums, and keep the rest waiting.

    Until the transaction ends. Without it two requests at the same instant would not see each
    other, and slip past a limit together. Always in one order, so that nobody waits in a circle.
    """
    for key in sorted({_key(each, facts) for each in wanted}):
        locks.hold(key)


def _key(each: sums.Sum, facts: Facts) -> str:
    return json.dumps(["sum", facts.task.pk, *sorted(going_by(each, facts))])


def going_by(each: sums.Sum, facts: Facts) -> list[tuple[str, str]]:
    """The names that a sum goes by, and what they are in this case."""
    known = {**facts.groupings, "task": "", "requester": str(facts.requested_by.pk)}
    return [(name, known[name]) for name in each.by]


def total_so_far(each: sums.Sum, facts: Facts, *, without: Run | None = None) -> Decimal:
    """What the sum comes to now, without the run that is being asked for, or was asked for earlier.

    A number below zero adds nothing, so that it makes no room for another. Raises `DoesNotFit` when a run that counts has no number where one should be.
    """
    runs = _in_the_window(each, facts)
    if without is not None:
        runs = runs.exclude(pk=without.pk)
    if not each.of:
        return Decimal(runs.count())
    addend = addends(facts.parameters)[each.of]
    if addend.unit_at:
        runs = runs.alias(unit=_json_text(addend.unit_at)).filter(unit=addend.unit(facts.frozen))
    text = _json_text(addend.number_at)
    number = Case(When(text__regex=ABOVE_ZERO, then=Cast(text, _Exact())))
    added = runs.annotate(text=text).aggregate(
        total=Sum(number),
        strange=Count("pk", filter=Q(text__isnull=False) & ~Q(text__regex=NUMBER)),
    )
    if added["strange"]:
        raise DoesNotFit(f"A run of {facts.task} has no number in “{each.of}”.")
    return added["total"] or Decimal(0)


def _in_the_window(each: sums.Sum, facts: Facts) -> QuerySet[Run]:
    start = Now() - each.over
    runs = Run.objects.filter(counts(), task=facts.task, requested_at__gt=start)
    if "requester" in each.by:
        runs = runs.filter(requested_by=facts.requested_by)
    for name, value in going_by(each, facts):
        if name not in sums.ALWAYS_THERE:
            # Written after the run, so never before it: the time is here for the index alone.
            same = SumKey.objects.filter(
                task=facts.task, name=name, value=value, recorded_at__gt=start
            )
            runs = runs.filter(pk__in=same.values("run"))
    return runs


def _json_text(path: tuple[str, ...]) -> KeyTextTransform:
    *outer, last = path
    found: Any = "values"
    for name in outer:
        found = KeyTransform(name, found)
    return KeyTextTransform(last, found)


def write(run: Run, groupings: dict[str, str]) -> None:
    """Keep what a new run counts towards. For the actions, inside their transaction."""
    SumKey.objects.bulk_create(
        SumKey(run=run, task=run.task, name=name, value=value) for name, value in groupings.items()
    )


def facts_of(run: Run, parameters: Sequence[Parameter]) -> Facts:
    """The facts of a run that was asked for earlier, with the groups that its requester is in now."""
    kept = {each.name: each.value for each in run.sum_keys.all()}
    groupings = groupings_of(run, parameters, kept)
    return Facts.of(run.task, run.requested_by, run.door, parameters, run.values, groupings)


def groupings_of(
    run: Run, parameters: Sequence[Parameter], kept: Mapping[str, str]
) -> dict[str, str]:
    """What an earlier run counts towards. What it was not asked at its time, it shares with no other."""
    return {**dict.fromkeys(grouping_names(parameters), str(run.pk)), **kept}
