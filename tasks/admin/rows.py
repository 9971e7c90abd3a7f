"""Files of rows: an empty one to fill in, and all the rows that a run was given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_POST, require_safe

from audit.actions import record
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.history.export import csv_response
from audit.models import Event
from tasks import parameters
from tasks.access.rights import Right
from tasks.admin.pages import code_of, run_or_404, task_or_404
from tasks.models import Run, Task
from tasks.parameters import DoesNotFit, Parameter
from tasks.parameters.kinds.rows import RowsKind
from tasks.parameters.rows import Table
from tasks.secrets import storage

PER_PAGE = 100


@dataclass(frozen=True)
class Given:
    """The rows of one parameter of a run, as texts, by what names them."""

    name: str
    label: str
    header: Sequence[str]
    cells: dict[str, list[str]]


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
        yield Given(p.name, p.label, kind.table.header, _by_key(kind.table, rows or ()))


def _by_key(table: Table, rows: Sequence[object]) -> dict[str, list[str]]:
    return {str(getattr(row, table.key)): table.cells(row) for row in rows}


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
    """All rows that a run was given, page by page."""
    run = run_or_404(request, pk)
    given = _given_or_404(run, name)
    return page(
        request,
        "tasks/rows.html",
        title=run.task.name,
        subtitle=run.headline,
        run=run,
        given=given,
        rows=Paginator(list(given.cells.values()), PER_PAGE).get_page(request.GET.get("page")),
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
