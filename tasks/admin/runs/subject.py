"""What the page of a request says of the run it is about, as things are now."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from approvals.models import ApprovalRequest, Stage
from approvals.requests.subject import Fact, Part, Table
from tasks.access.rights import runs_for
from tasks.admin.pages import declared_by
from tasks.admin.rows import given_to
from tasks.models import Run
from tasks.rules.standing import standings
from tasks.rules.totals import facts_of

if TYPE_CHECKING:
    from backoffice.models import User

FIRST: Final = 20  # rows on the page of the request
# Where a request is about something that happened to a run, and not about the run itself.
LATER: Final = ("pause", "resolution", "emergency")


def subject_of_run(
    request: ApprovalRequest, stages: Sequence[Stage], person: "User"
) -> Iterator[Part]:
    """How far the sums are from their limits, and the rows that the run is given."""
    if run := getattr(request, "run", None):
        yield from _sums(run, request, stages)
    else:
        run = _run_of_later(request, person)
    if run is not None:
        yield from _tables(run)


def _run_of_later(request: ApprovalRequest, person: "User") -> Run | None:
    """The run about which something is to be decided, for whoever may see it."""
    found = filter(None, (getattr(request, name, None) for name in LATER))
    keys = [each.run_id for each in found]
    return runs_for(person).select_related("task").filter(pk__in=keys).first() if keys else None


def _sums(run: Run, request: ApprovalRequest, stages: Sequence[Stage]) -> Iterator[Fact]:
    with_sums = [stage for stage in stages if " over " in stage.condition]
    if not with_sums or request.status != ApprovalRequest.Status.PENDING:
        return
    facts = facts_of(run, declared_by(run.task))
    for stage in with_sums:
        for text in standings(stage.condition, facts, run):
            yield Fact("Total so far", text)


def _tables(run: Run) -> Iterator[Table]:
    for given in given_to(run):
        yield Table(
            label=given.label,
            header=given.header,
            first=[given.table.cells(row) for row in given.rows[:FIRST]],
            count=len(given.rows),
            totals=given.totals(),
            whole=reverse("admin:tasks_run_rows", args=[run.pk, given.name]),
            download=reverse("admin:tasks_run_rows_csv", args=[run.pk, given.name]),
        )
