"""The Audit section: what happened to everything, for people who may read everything."""

from collections.abc import Callable
from functools import wraps
from typing import Final

from django.contrib.admin import site
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst, slugify
from django.views.decorators.http import require_POST, require_safe

from audit.actions import record
from audit.admin.forms import HistoryFilter, Range
from audit.context import current
from audit.history.export import csv_response, header, history_rows
from audit.history.timeline import RecentChanges, recent_changes
from audit.history.versions import audited_models, history_model_of
from audit.models import Event

MAY_READ: Final = "audit.view_everything"
SPREADSHEET: Final = "spreadsheet"
MACHINE: Final = "machine"


def for_readers[**Args, Response](
    view: Callable[Args, Response],
) -> Callable[Args, Response]:
    """To everybody else, the page does not exist."""

    @wraps(view)
    def guarded(*args: Args.args, **kwargs: Args.kwargs) -> Response:
        request = args[0]
        if not (isinstance(request, HttpRequest) and request.user.has_perm(MAY_READ)):
            raise Http404
        return view(*args, **kwargs)

    return guarded


@require_safe
@for_readers
def kinds(request: HttpRequest) -> HttpResponse:
    """Which kinds of things have a history."""
    found = [
        {
            "name": capfirst(model._meta.verbose_name_plural),
            "key": model._meta.label_lower,
            "last_change": _last_change(model),
        }
        for model in audited_models()
    ]
    return _page(request, "audit/kinds.html", title="Change history", kinds=found)


@require_safe
@for_readers
def history(request: HttpRequest, kind: str) -> HttpResponse:
    """What happened to all things of one kind, newest first."""
    model = _model(kind)
    form = HistoryFilter(request.GET or None)
    page = RecentChanges([], None)
    if not form.is_bound or form.is_valid():
        filters = form.range() if form.is_bound else Range()
        page = recent_changes(history_model_of(model), **filters, before=before(request))
    return _page(
        request,
        "audit/history.html",
        title=f"Change history of {model._meta.verbose_name_plural}",
        kind=kind,
        form=form,
        page=page,
        filters=_query(request),
    )


@require_POST
@for_readers
def export(request: HttpRequest, kind: str) -> HttpResponse | StreamingHttpResponse:
    """The same as a file, with all rows. That somebody took it away is an event."""
    model = _model(kind)
    form = HistoryFilter(request.POST)
    if not form.is_valid():
        return _page(
            request,
            "audit/history.html",
            status=400,
            title=f"Change history of {model._meta.verbose_name_plural}",
            kind=kind,
            form=form,
            page=RecentChanges([], None),
        )
    reader = MACHINE if request.POST.get("for") == MACHINE else SPREADSHEET
    _record_export(request, model, form, reader)
    return csv_response(
        f"history-of-{slugify(str(model._meta.verbose_name_plural))}-{timezone.localdate()}.csv",
        header(),
        history_rows(history_model_of(model), **form.range()),
        spreadsheet=reader == SPREADSHEET,
    )


def before(request: HttpRequest) -> int | None:
    """The row that the last page ended with, as its link says."""
    text = request.GET.get("before", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _model(kind: str) -> type[models.Model]:
    for model in audited_models():
        if model._meta.label_lower == kind:
            return model
    raise Http404


def _last_change(model: type[models.Model]) -> object:
    newest = history_model_of(model)._base_manager.order_by("-history_id")
    return newest.values_list("history_date", flat=True).first()


def _query(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    return query.urlencode()


def _record_export(
    request: HttpRequest, model: type[models.Model], form: HistoryFilter, reader: str
) -> None:
    asked = {name: str(value) for name, value in form.cleaned_data.items() if value}
    record(
        Event.Verb.EXPORTED,
        by=request.user,  # type: ignore[arg-type]  # somebody who may read is signed in
        door=current().door,
        data={
            "export": f"change history of {model._meta.verbose_name_plural}",
            "format": reader,
            **asked,
        },
    )


def _page(
    request: HttpRequest, template: str, *, status: int = 200, **context: object
) -> TemplateResponse:
    return TemplateResponse(
        request, template, {**site.each_context(request), **context}, status=status
    )
