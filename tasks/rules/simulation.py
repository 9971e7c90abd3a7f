"""Trying a rule before it is in force: what it would ask for, and what it would have held up.

Nothing is written here, and nobody is kept waiting: these are questions.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import BooleanField, ExpressionWrapper

from approvals.requests.policy import StageSpec, people_wanted, time_to_decide
from audit.database.clock import database_now
from tasks.models import Run, SumKey, Task
from tasks.parameters import Parameter, addends
from tasks.rules import totals
from tasks.rules.conditions import Facts, Total
from tasks.rules.evaluation import RuleSpec, added_up_once, holds, readable
from tasks.rules.sentences import condition_in_words, why_it_applies
from tasks.rules.stages import stages_of
from tasks.rules.sums import Sum

if TYPE_CHECKING:
    from backoffice.models import User

type Entry = tuple[datetime, str, Decimal]  # when, in which currency, how much

DAYS: Final = 90
MOST_RUNS: Final = 5_000  # that are looked at, the newest first
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether one rule applies, in words why or when it would, and what its sums come to."""

    spec: RuleSpec
    applies: bool
    words: str
    sums: Sequence[tuple[Sum, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One stage, and who could decide it."""

    stage: StageSpec
    people: "Sequence[User]"

    @property
    def too_few(self) -> bool:
        """Whether it could never get the decisions it needs."""
        return len(self.people) < self.stage.needed


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would happen if somebody asked for this."""

    answers: Sequence[Answer]
    stages: Sequence[Asked]
    too_few_together: bool
    expires_after: timedelta | None


def simulate(task: Task, specs: Sequence[RuleSpec], facts: Facts) -> Simulation:
    """What these rules would ask for, as things stand now."""
    answers = [_answer(spec, facts) for spec in specs]
    stages = stages_of(task, [a.spec for a in answers if a.applies], facts.requested_by)
    asked = [Asked(s, list(s.everybody(without=[facts.requested_by]))) for s in stages]
    needed, people = people_wanted(stages, [set(each.people) for each in asked])
    expires = time_to_decide(stages) if stages else None
    return Simulation(answers, asked, len(people) < needed, expires)


def _answer(spec: RuleSpec, facts: Facts) -> Answer:
    condition = readable(spec.condition, facts.parameters)
    total = added_up_once()
    applies = holds(condition, facts, total)
    words = (
        why_it_applies(spec.name, condition, facts, total)
        if applies
        else condition_in_words(spec.name, spec.condition, facts.parameters)
    )
    found = condition.sums.values() if condition else ()
    return Answer(spec, applies, words, [(each, _sum_in_words(each, facts)) for each in found])


def _sum_in_words(each: Sum, facts: Facts) -> str:
    try:
        total = totals.total_so_far(each, facts)
    except ValueError:
        return "cannot be checked"
    unit = addends(facts.parameters)[each.of].unit(facts.frozen) if each.of else ""
    return f"{total:f} {unit}".strip()


@dataclass(frozen=True, slots=True)
class PastRuns:
    """Which of the runs of the last days a rule would have held up."""

    asked: int
    would_wait: Sequence[Run]
    capped: bool

    @property
    def did_wait(self) -> int:
        """How many of those waited for approval when they were asked for."""
        return sum(run.needs_approval for run in self.would_wait)


def simulate_past_runs(task: Task, spec: RuleSpec, parameters: Sequence[Parameter]) -> PastRuns:
    """Ask a rule about the runs of the last 90 days, each at the moment when it was asked for.

    Groups are those that people are in now, and a run counts in sums as it stands now.
    """
    condition = readable(spec.condition, parameters)
    sums = list(condition.sums.values()) if condition else []
    since = database_now() - timedelta(days=DAYS)
    runs = _runs_since(task, since - max((s.over for s in sums), default=timedelta(0)))
    past = PastSums(sums, parameters)
    asked, would_wait = 0, []
    for run, facts in _with_facts(list(reversed(runs)), task, parameters, sums):
        if run.requested_at > since:
            asked += 1
            if holds(condition, facts, past.totals_at(run.requested_at)):
                would_wait.append(run)
        past.add(run, facts)
    return PastRuns(asked, would_wait[::-1], len(runs) == MOST_RUNS)


def _runs_since(task: Task, since: datetime) -> list[Run]:
    runs = Run.objects.filter(task=task, requested_at__gt=since)
    return list(
        runs.annotate(counted=ExpressionWrapper(totals.counts(), BooleanField()))
        .select_related("requested_by")
        .defer("preview", "output", "traceback")
        .order_by("-requested_at", "-id")[:MOST_RUNS]
    )


def _with_facts(
    runs: Sequence[Run], task: Task, parameters: Sequence[Parameter], sums: Sequence[Sum]
) -> Iterator[tuple[Run, Facts]]:
    """Each run with what a condition sees of it. Two queries, however many runs."""
    groups, counted_by = _groups_of({run.requested_by_id for run in runs}), _sum_keys(runs, sums)
    for run in runs:
        yield (
            run,
            Facts(
                task,
                run.requested_by,
                tuple(groups[run.requested_by_id]),
                run.door,
                parameters,
                run.values,
                totals.groupings_of(run, parameters, counted_by[run.pk]),
            ),
        )


def _groups_of(people: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    members = Group.objects.filter(user__in=people).order_by("name")
    for person, name in members.values_list("user", "name"):
        found[person].append(name)
    return found


def _sum_keys(runs: Sequence[Run], sums: Sequence[Sum]) -> dict[UUID, dict[str, str]]:
    found: dict[UUID, dict[str, str]] = defaultdict(dict)
    names = {name for each in sums for name in each.by}
    kept = SumKey.objects.filter(name__in=names, run__in=[run.pk for run in runs])
    for run, name, value in kept.values_list("run", "name", "value"):
        found[run][name] = value
    return found


class PastSums:
    """Sums as they stood earlier, from runs that are added in the order of time."""

    def __init__(self, sums: Iterable[Sum], parameters: Sequence[Parameter]) -> None:
        self._sums = list(sums)
        self._addends = addends(parameters)
        self._entries: defaultdict[object, deque[Entry]] = defaultdict(deque)

    def add(self, run: Run, facts: Facts) -> None:
        """Let a run count from its time on, if something came of it."""
        if run.counted:  # type: ignore[attr-defined]  # annotated by _runs_since
            for each in self._sums:
                entry = (run.requested_at, *self._worth(each, facts))
                self._entries[_key(each, facts)].append(entry)

    def totals_at(self, at: datetime) -> Total:
        """What each sum came to at this moment."""

        def total(each: Sum, facts: Facts) -> Decimal:
            entries = self._entries[_key(each, facts)]
            while entries and entries[0][0] <= at - each.over:
                entries.popleft()
            unit, _ = self._worth(each, facts)
            return sum((number for _, of, number in entries if of == unit), Decimal(0))

        return total

    def _worth(self, each: Sum, facts: Facts) -> tuple[str, Decimal]:
        """What a run adds to a sum, and in which currency."""
        if not each.of:
            return "", Decimal(1)
        addend = self._addends[each.of]
        number = addend.number(facts.frozen) or Decimal(0)
        return addend.unit(facts.frozen), max(number, Decimal(0))


def _key(each: Sum, facts: Facts) -> object:
    return each, *totals.going_by(each, facts)
