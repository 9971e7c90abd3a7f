"""Downloads of what a run returned: a table as CSV, JSON, a file."""

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from audit.actions import record
from audit.admin.pages import person_of
from audit.context import Door
from audit.history.export import csv_response
from audit.models import Event
from tasks.admin.pages import run_or_404
from tasks.models import Run
from tasks.outputs.serialization import Kept, parts
from tasks.secrets import storage

ANY_TYPE: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+", re.IGNORECASE)
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f/\\]+")


@require_POST
def export_result(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """One of the outputs of a run, counted from one, for whoever may see the run."""
    run = run_or_404(request, pk)
    kept = dict(enumerate(parts(run.output), start=1)).get(number)
    if kept is None or kept["kind"] not in ("table", "json", "file"):
        raise Http404
    response = _as_download(run, kept, number)
    record(
        Event.Verb.EXPORTED,
        by=person_of(request),
        door=Door.ADMIN,
        subject=run,
        data={"what": kept.get("name") or kept.get("title") or "result"},
    )
    return response


def _as_download(run: Run, kept: Kept, number: int) -> HttpResponseBase:
    name = f"{run.task.slug}-{str(run.pk)[:8]}-{number}"
    match kept["kind"]:
        case "table":
            return csv_response(f"{name}.csv", kept["columns"], _rows(kept))
        case "json":
            text = json.dumps(kept["value"], ensure_ascii=False, indent=2)
            return _attachment(f"{name}.json", text.encode(), "application/json")
    return _attachment(kept["name"], storage.read_file(kept["sha256"]), kept["type"])


def _rows(kept: Kept) -> Iterator[Sequence[object]]:
    """The rows; what was a number is one again, so that a spreadsheet can add it up."""
    numbers = set(kept.get("numbers", ()))
    for row in kept["rows"]:
        yield [_number(text) if at in numbers else text for at, text in enumerate(row)]


def _number(text: str) -> object:
    try:
        return Decimal(text)
    except InvalidOperation:  # money, which names its currency
        return text


def _attachment(name: str, content: bytes, content_type: str) -> HttpResponse:
    safe_type = content_type if _TYPE.fullmatch(content_type) else ANY_TYPE
    disposition = content_disposition_header(True, _NOT_IN_NAMES.sub("_", name) or "file")
    return HttpResponse(
        content,
        content_type=safe_type,
        headers={
            "Content-Disposition": disposition or "attachment",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
