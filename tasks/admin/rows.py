"""Files of rows: an empty one to fill in, and all the rows that a run was given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from approvals.requests.policy import visible_to
from audit.actions import record
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.history.export import csv_response
from audit.models import Event
from audit.texts.hidden import folded
from tasks import parameters
from tasks.access.rights import Right
from tasks.admin.pages import code_of, run_or_404, task_or_404
from tasks.models import Run, Task
from tasks.parameters import DoesNotFit, Money, Parameter
from tasks.parameters.kinds.rows import RowsKind
from tasks.parameters.rows import Table
from tasks.secrets import storage

if TYPE_CHECKING:
    from backoffice.models import User

PER_PAGE = 100
LONGEST = 200  # characters of a search


@dataclass(frozen=True)
class Given:
    """The rows of one parameter of a run."""

    name: str
    label: str
    table: Table
    rows: Sequence[object]

    @property
    def header(self) -> Sequence[str]:
        return self.table.header

    @cached_property
    def cells(self) -> dict[str, list[str]]:
        """The rows as texts, by what names them."""
        return {str(getattr(row, self.table.key)): self.table.cells(row) for row in self.rows}

    def found_by(self, words: str) -> "Given":
        """Those rows that hold each of these words in one of their cells, whatever their case."""
        wanted = [folded(word) for word in words.split()]
        if not wanted:
            return self
        return replace(self, rows=[row for row in self.rows if self._holds(row, wanted)])

    def totals(self) -> list[str]:
        """What the amounts of these rows come to, by currency; of each column where there are more."""
        columns = [p for p in self.table.columns if p.kind.is_money]
        return [
            f"{column.label}: {total}" if len(columns) > 1 else str(total)
            for column in columns
            for total in self._totals(column.name)
        ]

    def _totals(self, column: str) -> list[Money]:
        amounts: dict[str, Decimal] = {}
        for row in self.rows:
            if (money := getattr(row, column)) is not None:
                amounts[money.currency] = amounts.get(money.currency, Decimal(0)) + money.amount
        return [Money(amount, currency) for currency, amount in sorted(amounts.items())]

    def _holds(self, row: object, wanted: Sequence[str]) -> bool:
        text = " ".join(map(folded, self.table.cells(row)))
        return all(word in text for word in wanted)


def parameters_with_rows(task: Task) -> list[Parameter]:
    """The parameters of a task that are files of rows, filled in by a person."""
    return [p for p, kind in _declared(task) if not kind.is_looked_up]


def names_with_rows(run: Run) -> list[tuple[str, str]]:
    """The names and labels of the parameters of a run that are rows."""
    return [(p.name, p.label) for p, _ in _declared(run.task) if run.values.get(p.name)]


def given_to(run: Run) -> list[Given]:
    """The rows that a run was given. Without those that the code does not fit any more."""
    return list(_given(run))


def _declared(task: Task) -> Iterator[tuple[Parameter, RowsKind]]:
    registered = code_of(task)
    for p in parameters.read(registered.function) if registered else ():
        if isinstance(p.kind, RowsKind):
            yield p, p.kind


def _given(run: Run) -> Iterator[Given]:
    for p, kind in _declared(run.task):
        frozen = {p.name: run.values.get(p.name)}
        try:
            rows = parameters.thaw([p], frozen, files=storage.read_file)[p.name]
        except (DoesNotFit, ValueError):
            continue
        yield Given(p.name, p.label, kind.table, rows or ())


@require_safe
def template(request: HttpRequest, slug: str, parameter: str) -> HttpResponse:
    """An empty file with the right first line."""
    for p, kind in _declared(task_or_404(request, slug, Right.REQUEST)):
        if p.name == parameter:
            name = f"{slug}-{parameter}.csv"
            disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
            return HttpResponse(kind.table.template(), "text/csv", headers=disposition)
    raise Http404


@require_safe
def rows(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """All rows that a run was given, or those with some words, page by page."""
    run = run_or_404(request, pk)
    given = _given_or_404(run, name)
    words = request.GET.get("q", "").strip()[:LONGEST]
    found = given.found_by(words)
    return page(
        request,
        "tasks/rows.html",
        title=run.task.name,
        subtitle=run.headline,
        run=run,
        given=given,
        words=words,
        query=urlencode({"q": words}) if words else "",
        totals=found.totals(),
        back=_request_of(run, person_of(request)),
        page=(found_page := Paginator(found.rows, PER_PAGE).get_page(request.GET.get("page"))),
        rows=[given.table.cells(row) for row in found_page],
    )


@require_POST
def export(request: HttpRequest, pk: UUID, name: str) -> StreamingHttpResponse:
    """The same rows as a file that a spreadsheet can open without harm."""
    run = run_or_404(request, pk)
    given = _given_or_404(run, name)
    person, what = person_of(request), {"what": f"rows: {name}"}
    record(Event.Verb.EXPORTED, by=person, door=Door.ADMIN, subject=run, data=what)
    return csv_response(
        f"{run.task.slug}-{str(run.pk)[:8]}-{name}.csv", given.header, given.cells.values()
    )


def _given_or_404(run: Run, name: str) -> Given:
    for given in _given(run):
        if given.name == name:
            return given
    raise Http404


def _request_of(run: Run, person: "User") -> UUID | None:
    """The request for a run while it waits, for whoever comes from there."""
    if run.status != Run.Status.AWAITING_APPROVAL or run.requested_by_id == person.pk:
        return None
    asked = visible_to(person).filter(run=run)
    return asked.values_list("pk", flat=True).first()
