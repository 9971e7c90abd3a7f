"""The numbers of a week, for those who answer for tasks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Aggregate, Count, DurationField, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from approvals.models import ApprovalRequest
from tasks.models import Run, Task

WEEK: Final = timedelta(days=7)
DAYS: Final = 14
Status = Run.Status


class Median(Aggregate):
    """The middle one of all values."""

    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of this week, and what it was in the week before."""

    label: str
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class Week:
    """What was requested and came of it in the last seven days."""

    figures: list[Figure]
    to_decision: timedelta | None
    days: list[tuple[date, int, int]]  # requested and failed


def week_of(tasks: QuerySet[Task], *, now: datetime) -> Week:
    """The numbers of these tasks. Three queries, each over two weeks of runs."""
    runs = Run.objects.filter(task__in=tasks)
    return Week(
        figures=list(_figures(runs, now)),
        to_decision=_median(tasks, now),
        days=list(_days(runs, now)),
    )


def _figures(runs: QuerySet[Run], now: datetime) -> Iterator[Figure]:
    wanted = {
        "Requested": Q(),
        "Succeeded": Q(status=Status.SUCCEEDED),
        "Rejected": Q(status=Status.REJECTED),
        "Failed": Q(status=Status.FAILED),
        "Outcome unknown": Q(status=Status.UNCERTAIN),
    }
    this, last = Q(requested_at__gte=now - WEEK), Q(requested_at__lt=now - WEEK)
    counts: dict[str, Any] = {}
    for number, which in enumerate(wanted.values()):
        counts[f"now{number}"] = Count("pk", filter=which & this)
        counts[f"before{number}"] = Count("pk", filter=which & last)
    found = runs.filter(requested_at__gte=now - 2 * WEEK).aggregate(**counts)
    for number, label in enumerate(wanted):
        yield Figure(label, found[f"now{number}"], found[f"before{number}"])


def _median(tasks: QuerySet[Task], now: datetime) -> timedelta | None:
    """From the request to its last decision, of what was approved or rejected this week."""
    decided = ApprovalRequest.objects.filter(
        run__task__in=tasks,
        run__requested_at__gte=now - WEEK,
        status__in=(ApprovalRequest.Status.APPROVED, ApprovalRequest.Status.REJECTED),
    )
    found: timedelta | None = decided.aggregate(it=Median(F("closed_at") - F("opened_at")))["it"]
    return found


def _days(runs: QuerySet[Run], now: datetime) -> Iterator[tuple[date, int, int]]:
    today = timezone.localdate(now)
    first = today - timedelta(days=DAYS - 1)
    recent = runs.filter(requested_at__gte=timezone.make_aware(datetime.combine(first, time.min)))
    by_day = recent.annotate(day=TruncDate("requested_at")).values("day").order_by("day")
    failed = Count("pk", filter=Q(status__in=(Status.FAILED, Status.UNCERTAIN)))
    counted = by_day.annotate(every=Count("pk"), failed=failed)
    found = {each["day"]: (each["every"], each["failed"]) for each in counted}
    for number in range(DAYS):
        day = first + timedelta(days=number)
        yield (day, *found.get(day, (0, 0)))
