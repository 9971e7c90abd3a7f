"""Runs: the list, the page of one, and what can be done there."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audit.actions import record
from audit.admin.base import CappedPaginator, ReadOnlyAdmin, SafeHistoryMixin
from audit.admin.lists import Sorting, money_in
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.history.export import csv_response
from audit.history.formatting import door_label
from audit.models import Event
from audit.transitions import Refusal
from tasks.actions import cancel_run, pause_run, resume_run
from tasks.admin import rows
from tasks.admin.pages import MAY_READ_ALL, run_or_404, visible_runs
from tasks.admin.runs import emergencies, items, resolutions
from tasks.admin.runs.logs import export_log, one_line, whole_log
from tasks.admin.runs.results import export_result
from tasks.admin.runs.run_filter import COLUMNS, RunFilter
from tasks.admin.runs.run_page import live_parts, whole_page
from tasks.models import Run
from tasks.runs.texts import whose
from tasks.runs.timeline import timeline_of

PER_PAGE = 50
WITHDRAWN = "Request withdrawn. Nothing was done."
CANCELLED = "Cancelled. Nothing was done."
BATCH = 2000
LARGE = ("preview", "output", "traceback")  # fields that no list shows


@admin.register(Run)
class RunAdmin(SafeHistoryMixin, ReadOnlyAdmin):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return visible_runs(request)

    def has_view_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        own = [
            path("csv/", site.admin_view(export), name="tasks_run_csv"),
            path("<uuid:pk>/live/", site.admin_view(live), name="tasks_run_live"),
            path("<uuid:pk>/cancel/", site.admin_view(cancel), name="tasks_run_cancel"),
            path(
                "<uuid:pk>/break-glass/",
                site.admin_view(emergencies.break_glass),
                name="tasks_run_break_glass",
            ),
            path("<uuid:pk>/pause/", site.admin_view(pause), name="tasks_run_pause"),
            path("<uuid:pk>/resume/", site.admin_view(resume), name="tasks_run_resume"),
            *resolutions.urls(site),
            path(
                "<uuid:pk>/timeline/", site.admin_view(export_timeline), name="tasks_run_timeline"
            ),
            path(
                "<uuid:pk>/result/<int:number>/",
                site.admin_view(export_result),
                name="tasks_run_result",
            ),
            path("<uuid:pk>/items/", site.admin_view(items.items), name="tasks_run_items"),
            path("<uuid:pk>/items/csv/", site.admin_view(items.export), name="tasks_run_items_csv"),
            path("<uuid:pk>/rows/<str:name>/", site.admin_view(rows.rows), name="tasks_run_rows"),
            path(
                "<uuid:pk>/rows/<str:name>/csv/",
                site.admin_view(rows.export),
                name="tasks_run_rows_csv",
            ),
            path("<uuid:pk>/log/", site.admin_view(whole_log), name="tasks_run_log"),
            path("<uuid:pk>/log/<int:line>/", site.admin_view(one_line), name="tasks_run_line"),
            path("<uuid:pk>/log/file/", site.admin_view(export_log), name="tasks_run_log_export"),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The runs a person may see, newest first."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        chosen = RunFilter(request.GET, person=person_of(request))
        sorting = Sorting(COLUMNS, request.GET)
        found = sorting.apply(chosen.apply(visible_runs(request)))
        runs = found.select_related("task", "requested_by").defer("values", *LARGE)
        runs = runs.annotate(money=money_in("values"))
        pages = CappedPaginator(runs, PER_PAGE)
        query = request.GET.copy()
        query.pop("page", None)
        return page(
            request,
            "tasks/runs.html",
            title="Runs",
            filter=chosen,
            headings=sorting.headings(),
            runs=pages.get_page(request.GET.get("page")),
            query=query.urlencode(),
            may_export=request.user.has_perm(MAY_READ_ALL),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one run."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        person = person_of(request)
        return page(
            request,
            "tasks/run.html",
            title=run.task.name,
            subtitle=run.headline,
            whose=whose(run.requested_by, person),
            **whole_page(run, person, request.GET),
        )


@require_safe
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The parts of a run's page that change while it goes on; of the log what is `after` a line."""
    run = run_or_404(request, pk)
    parts = live_parts(run, person_of(request), request.GET)
    return TemplateResponse(request, "tasks/run_live.html", parts)


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a run back, or ask one that has begun to stop."""
    reason = request.POST.get("reason", "").strip()
    return _changed(request, pk, partial(cancel_run, reason=reason), _taken_back)


@require_POST
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask a run to stop before its next item."""
    return _changed(request, pk, pause_run, lambda _: "Pause requested.")


@require_POST
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a paused run go on where it stopped."""
    return _changed(request, pk, resume_run, lambda _: "Resumed.")


def _changed(
    request: HttpRequest, pk: UUID, change: Callable[..., Run], said: Callable[[Run], str]
) -> HttpResponse:
    """Change the state of a run, say what came of it, and show the run."""
    run = run_or_404(request, pk)
    try:
        changed = change(run.pk, by=person_of(request), door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said(changed))
    return redirect("admin:tasks_run_change", run.pk)


def _taken_back(run: Run) -> str:
    if run.attempt and run.is_over:
        return "Cancelled. What is done stays done."
    if run.cancel_asked_at:
        return "Cancellation requested."
    return WITHDRAWN if _was_withdrawn(run) else CANCELLED


def _was_withdrawn(run: Run) -> bool:
    request = run.approval
    return request is not None and request.status == request.Status.WITHDRAWN


@require_POST
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as a file, as it is filtered on the page, with all its rows."""
    person = _reader_or_404(request)
    chosen = RunFilter(request.GET, person=person)
    record(
        Event.Verb.EXPORTED, by=person, door=Door.ADMIN, data={"list of": "runs", **chosen.asked()}
    )
    return csv_response(
        f"runs-{timezone.localdate()}.csv", _HEADER, _lines(chosen.apply(visible_runs(request)))
    )


@require_POST
def export_timeline(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """What happened to one run, as a file."""
    person = _reader_or_404(request)
    run = run_or_404(request, pk)
    record(Event.Verb.EXPORTED, by=person, door=Door.ADMIN, subject=run, data={"what": "timeline"})
    return csv_response(
        f"run-{str(run.pk)[:8]}-timeline.csv",
        ["when_utc", "what", "who", "via", "reason"],
        ([e.at, e.what, e.who, e.door, e.why] for e in timeline_of(run)),
    )


def _reader_or_404(request: HttpRequest) -> Any:  # noqa: ANN401 - a User
    if not request.user.has_perm(MAY_READ_ALL):
        raise Http404
    return person_of(request)


_HEADER = (
    "when_utc", "task", "what", "status", "requested_by", "via", "reason", "ticket", "started_utc",
    "finished_utc", "seconds", "error", "run",
)  # fmt: skip


def _lines(runs: QuerySet[Run]) -> Iterator[Sequence[object]]:
    for run in runs.defer("values", *LARGE).iterator(BATCH):
        took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
        yield (
            run.requested_at, run.task.name, run.headline, run.get_status_display(),
            run.requested_by, door_label(run.door), run.reason, run.ticket, run.started_at, run.finished_at,
            None if took is None else round(took.total_seconds(), 3), run.error, run.pk,
        )  # fmt: skip
