"""What a run wrote: its end on the run's page, all of it on pages of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.db.models.functions import Left, Length
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from audit.actions import record
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.models import Event
from tasks.admin.pages import run_or_404
from tasks.models import LogLine, Run

ON_PAGE: Final = 500  # lines
LONGEST_LINE: Final = 2_000  # characters on a page; a longer one has a page of its own
BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of a log. `is_whole` is False where they continue what the reader has."""

    lines: list[LogLine]
    count: int
    is_whole: bool

    @property
    def has_earlier(self) -> bool:
        """Whether there are lines before the last ones."""
        return self.count > ON_PAGE


def tail(run: Run, after: str = "") -> Tail:
    """The lines after the one of this number, if those are few; otherwise the last ones."""
    known = int(after) if after.isdecimal() else 0
    newest = list(_shown(run).filter(pk__gt=known).order_by("-id")[: ON_PAGE + 1])
    is_whole = known == 0 or len(newest) > ON_PAGE
    return Tail(newest[:ON_PAGE][::-1], run.log_lines.count(), is_whole)


@require_safe
def whole_log(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All that a run wrote, from the beginning, in pages."""
    run = run_or_404(request, pk)
    lines = Paginator(_shown(run).order_by("id"), ON_PAGE).get_page(request.GET.get("page"))
    return page(
        request,
        "tasks/run_log.html",
        title=f"Log of {run.task}",
        subtitle=run.headline,
        run=run,
        lines=lines,
    )


@require_safe
def one_line(request: HttpRequest, pk: UUID, line: int) -> HttpResponse:
    """One line with all of its characters."""
    run = run_or_404(request, pk)
    found = get_object_or_404(run.log_lines, pk=line)
    return page(request, "tasks/run_line.html", title="Log line", run=run, line=found)


@require_POST
def export_log(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """The whole log as a text file, every line with its time."""
    run = run_or_404(request, pk)
    record(
        Event.Verb.EXPORTED,
        by=person_of(request),
        door=Door.ADMIN,
        subject=run,
        data={"what": "log"},
    )
    name = f"{run.task.slug}-{str(run.pk)[:8]}-log.txt"
    return StreamingHttpResponse(
        _as_text(run),
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _shown(run: Run) -> QuerySet[LogLine]:
    """The lines as far as a page shows them: a huge one is not fetched to be cut."""
    start, length = Left("text", LONGEST_LINE), Length("text")
    lines = run.log_lines.annotate(start=start, length=length)
    return lines.annotate(is_cut=Q(length__gt=LONGEST_LINE)).defer("text")


def _as_text(run: Run) -> Iterator[str]:
    for line in run.log_lines.order_by("id").iterator(BATCH):
        yield f"{line.at:%Y-%m-%d %H:%M:%S.%f} UTC  {line.text}\n"
