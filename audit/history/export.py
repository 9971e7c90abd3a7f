"""History as CSV: for a spreadsheet, whose formulas it defuses, or for a program, unchanged."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import batched, chain
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import models
from django.http import StreamingHttpResponse
from django.utils import timezone

from audit.history.formatting import Wording, door_label, for_file, utc
from audit.history.timeline import KINDS
from audit.history.versions import Difference, Step, differences, steps, versions

if TYPE_CHECKING:
    from backoffice.models import User

PIECE: Final = 64 * 1024  # characters; a piece a row would cost thirty times as much
BATCH: Final = 2_000  # rows
BOM: Final = "\ufeff"  # without it Excel takes UTF-8 for a Windows code page

# What a spreadsheet computes instead of showing. Also after a semicolon, a tab or a new line: where
# numbers are written with a decimal comma, spreadsheets cut cells there.
_BLANK = r"[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]"
_STARTS = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"  # the last four are full-width
_FORMULA = re.compile(rf"(^(?={_BLANK}*{_STARTS})|[;\t\r\n](?={_BLANK}{{0,200}}{_STARTS}))")
_NEGATIVE: Final = re.compile(r"-[0-9]+(\.[0-9]+)?")  # the text of a number: nothing to compute
_CONTROL: Final = ("\t", "\r", "\n", "\0")


class HistoryRow(NamedTuple):
    """One line of the export: one field of one change."""

    when_utc: str
    when_local: str
    who: str
    through: str
    action: str
    subject: str
    field: str
    old: object
    new: object
    why: str
    request_id: str
    recorded_utc: str


def header() -> list[str]:
    """The names of the columns. The local time says its zone."""
    zone = timezone.get_default_timezone_name()
    names = {"when_local": f"when_local ({zone})", "subject": "object"}
    return [names.get(name, name) for name in HistoryRow._fields]


def history_rows(
    history_model: type[models.Model],
    *,
    person: "User | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Sequence[object]]:
    """Every change of every field, oldest first, read through a cursor of the server's.

    `since` is included, `until` is not.
    """
    found = versions(history_model, person=person, since=since, until=until)
    rows = found.order_by("history_id").iterator(chunk_size=BATCH)
    for batch in batched(rows, BATCH):
        together = steps(batch)
        wording = Wording(together, for_file)
        for step in together:
            yield from _lines(step, wording)


def history_to_csv(
    history_model: type[models.Model],
    *,
    spreadsheet: bool,
    person: "User | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[str]:
    """The export as pieces of CSV text."""
    rows = history_rows(history_model, person=person, since=since, until=until)
    return csv_pieces(header(), rows, spreadsheet=spreadsheet)


def csv_response(
    filename: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    spreadsheet: bool = True,
) -> StreamingHttpResponse:
    """A download that is written while the rows are read.

    For a spreadsheet, text that it would compute gets an apostrophe in front. Numbers stay numbers.
    """
    return StreamingHttpResponse(
        csv_pieces(header, rows, spreadsheet=spreadsheet),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def csv_pieces(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, spreadsheet: bool
) -> Iterator[str]:
    """CSV after RFC 4180, every field in quotes, in pieces of about 64 KB."""
    buffer = io.StringIO(BOM if spreadsheet else "", newline="")
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in chain([header], rows):
        writer.writerow([cell(value, spreadsheet=spreadsheet) for value in row])
        if buffer.tell() >= PIECE:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell(value: object, *, spreadsheet: bool) -> str:
    """One value as the text of a cell. Only text can be a formula; -5 is a number, also as text."""
    if isinstance(value, str):
        return _defused(value) if spreadsheet else value
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case datetime():
            return utc(value)
        case bool() | int() | float() | date():
            return str(value)
    return cell(str(value), spreadsheet=spreadsheet)


def _defused(text: str) -> str:
    if _NEGATIVE.fullmatch(text):
        return text
    if _FORMULA.search(text):
        return _FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.startswith(_CONTROL) else text


def _lines(step: Step, wording: Wording[object]) -> Iterator[HistoryRow]:
    """One line for each field; one without a field for a version that changed none."""
    version = step.version
    moment = version.history_date
    template = HistoryRow(
        when_utc=utc(moment),
        when_local=timezone.localtime(moment, timezone.get_default_timezone()).strftime(
            "%Y-%m-%d %H:%M:%S"
        ),
        who=version.history_actor_label,
        through=door_label(version.history_door),
        action=KINDS[version.history_type],
        subject=wording.subject(version),
        field="",
        old="",
        new="",
        why=version.history_change_reason or "",
        request_id=version.history_request_id,
        recorded_utc="" if version.recorded_at is None else utc(version.recorded_at),
    )
    found: Sequence[Difference] = differences(step)
    if not found:
        yield template
    for difference in found:
        old, new = wording.pair(difference, version)
        yield template._replace(field=wording.label(difference.field), old=old, new=new)
