"""What a task returned, in the form that is kept and shown.

What is too large is cut or left out, and what cannot be shown is written as Python writes it, with a
note that says so. It is never a reason to call a run failed: what the run did is done.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.template.defaultfilters import filesizeformat

from tasks.declaration.texts import written
from tasks.outputs.kinds import JSON, Chart, KeyValue, Markdown, Table, Text, exact
from tasks.outputs.texts import text_of
from tasks.parameters import File, Money
from tasks.secrets import storage
from tasks.secrets.bounds import beginning, bounded
from tasks.secrets.masking import Redactor

MOST_CHARACTERS: Final = 4_000_000  # of one run, over all that it returns
MOST_ROWS: Final = 20_000  # of a table
LONGEST_TEXT: Final = 100_000  # characters
LARGEST_FILE: Final = 10 * 1024 * 1024  # bytes
MOST_POINTS: Final = 200  # labels of a chart
MOST_SERIES: Final = 6
DEEPEST: Final = 30  # levels of JSON
LARGEST_NUMBER: Final = 10_000  # bits: Python writes no number of more than 4,300 digits

# Not outputs of their own, but there is only one way to show them.
_PLAIN: Final = (bool, int, float, Decimal, date, time, timedelta, UUID)

type Kept = dict[str, Any]


def kept(output: object, redact: Redactor) -> Kept:
    """The output as JSON, without secrets; files go into the storage under their fingerprints.

    Raises nothing but that the database is away.
    """
    try:
        return _Serializer(redact).of(output)
    except (OperationalError, InterfaceError):
        raise
    # Whatever the code of a value raises while it is read.
    except Exception as error:
        return unreadable(error)


def unreadable(error: Exception) -> Kept:
    """What is kept of a result that could not be read."""
    return _note(
        f"The result cannot be shown: reading it raised {type(error).__name__}. What the run did is done."
    )


def parts(output: Kept | None) -> list[Kept]:
    """What was kept, as single outputs in their order."""
    match output:
        case None | {"kind": "none"}:
            return []
        case {"kind": "several", "outputs": outputs}:
            return [part for each in outputs for part in parts(each)]
    return [output]


class _Serializer:
    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._left = MOST_CHARACTERS

    def of(self, output: object) -> Kept:
        match output:
            case None:
                return {"kind": "none"}
            case str() | Text() | Markdown() | Money():
                return self._words(output)
            case KeyValue() | Mapping() | Table():
                return self._columns(output)
            case JSON() | Chart() | File():
                return self._other(output)
            case list() | tuple():
                return self._listed(output)
        return self._as_written(output)

    def _listed(self, outputs: Sequence[object]) -> Kept:
        rows = [each for each in outputs if isinstance(each, Mapping)]
        if len(rows) == len(outputs):
            return self._table(_from_dicts(rows))
        if any(map(_is_nested, outputs)):
            return self._as_written(outputs)
        return {"kind": "several", "outputs": [self.of(each) for each in outputs]}

    def _as_written(self, output: object) -> Kept:
        if isinstance(output, _PLAIN):
            return self._long("text", text_of(output))
        note = (
            f"The task returned a value of the type {type(output).__name__}, which is shown as Python "
            "writes it."
        )
        return {"kind": "several", "outputs": [self._long("text", written(output)), _note(note)]}

    def _words(self, output: str | Text | Markdown | Money) -> Kept:
        match output:
            case Money():
                return {"kind": "money", "text": str(output)}
            case Markdown():
                return self._long("markdown", output.text)
        return self._long("text", output.text if isinstance(output, Text) else output)

    def _columns(self, output: KeyValue | Mapping[Any, object] | Table) -> Kept:
        match output:
            case Table():
                return self._table(output)
            case KeyValue():
                return self._pairs(output)
        return self._pairs(KeyValue(output))

    def _other(self, output: JSON | Chart | File) -> Kept:
        match output:
            case JSON():
                return self._json(output)
            case Chart():
                return self._chart(output)
        return self._file(output)

    def _text(self, value: object) -> str:
        text = bounded(text_of(value), self._redact, LONGEST_TEXT)
        self._left -= len(text)
        return text

    def _titled(self, kind: str, title: str, **values: Any) -> Kept:  # noqa: ANN401 - JSON
        return {"kind": kind} | ({"title": self._text(title)} if title else {}) | values

    def _long(self, kind: str, text: str) -> Kept:
        most = max(0, min(LONGEST_TEXT, self._left))
        found = {"kind": kind, "text": beginning(text, self._redact, most)}
        self._left -= min(len(text), most)
        if len(text) <= most:
            return found
        note = f"Only the first {most:,} of {len(text):,} characters were kept."
        return {"kind": "several", "outputs": [found, _note(note)]}

    def _pairs(self, output: KeyValue) -> Kept:
        pairs = [[self._text(k), self._text(v)] for k, v in output.items.items()]
        return self._titled("pairs", output.title, pairs=pairs)

    def _table(self, table: Table) -> Kept:
        columns = [self._text(name) for name in table.columns]
        rows: list[list[str]] = []
        for row in islice(table.rows, MOST_ROWS):
            texts = [self._text(cell) for cell in row]
            if self._left < 0:
                break
            rows.append(texts)
        numbers = _columns_of_numbers(table.rows[: len(rows)])
        cut = {"of": len(table.rows)} if len(rows) < len(table.rows) else {}
        return self._titled(
            "table", table.title, columns=columns, rows=rows, numbers=numbers, **cut
        )

    def _json(self, output: JSON) -> Kept:
        value = self._plain(output.value, DEEPEST)
        if self._left < 0:
            return _note(
                f"{output.title or 'The result'} is too large to be kept as JSON. "
                "The task should return it as a file."
            )
        return self._titled("json", output.title, value=value)

    def _plain(self, value: object, levels: int) -> Any:  # noqa: ANN401 - JSON
        self._left -= 1
        if levels == 0 or self._left < 0:
            return "…"
        match value:
            case None | bool():
                return value
            case int() | float() if _fits_json(value):
                return value
            case Mapping():
                return {self._text(k): self._plain(v, levels - 1) for k, v in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._plain(each, levels - 1) for each in value]
        return self._text(value)

    def _chart(self, chart: Chart) -> Kept:
        if len(chart.labels) > MOST_POINTS or len(chart.series) > MOST_SERIES:
            return self._too_many(chart)
        return self._titled(
            "chart",
            chart.title,
            drawn=chart.kind,
            labels=[self._text(label) for label in chart.labels],
            series=[
                [self._text(name), [None if n is None else f"{exact(n):f}" for n in numbers]]
                for name, numbers in chart.series.items()
            ],
            x=self._text(chart.x),
            y=self._text(chart.y),
        )

    def _too_many(self, chart: Chart) -> Kept:
        rows = list(zip(chart.labels, *chart.series.values(), strict=True))
        note = f"At most {MOST_POINTS} labels and {MOST_SERIES} series are drawn: here are the numbers."
        table = self._table(Table([chart.x, *chart.series], rows, title=chart.title))
        return {"kind": "several", "outputs": [_note(note), table]}

    def _file(self, file: File) -> Kept:
        name = self._text(file.name)
        if file.size > LARGEST_FILE:
            return _note(
                f"The file {name} was not kept: it has {filesizeformat(file.size)}, and at most "
                f"{filesizeformat(LARGEST_FILE)} are kept."
            )
        safe = File.of(name, self._redact.content(file.content), file.content_type)
        storage.store_file(safe)
        return {
            "kind": "file",
            "name": name,
            "type": safe.content_type,
            "size": safe.size,
            "sha256": safe.sha256,
        }


def _fits_json(number: float) -> bool:
    if isinstance(number, int):
        return number.bit_length() < LARGEST_NUMBER
    return math.isfinite(number)


def _note(text: str) -> Kept:
    return {"kind": "note", "text": text}


def _is_nested(output: object) -> bool:
    """A list in a list is no output, unless it is a table."""
    inner = isinstance(output, list | tuple)
    return inner and not all(isinstance(row, Mapping) for row in output)  # type: ignore[attr-defined]


def _from_dicts(rows: Sequence[Mapping[str, object]]) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return Table(columns, [[row.get(name) for name in columns] for row in rows])


def _columns_of_numbers(rows: Iterable[Sequence[object]]) -> list[int]:
    """The positions of those columns that hold nothing but numbers and empty cells."""
    seen: dict[int, bool] = {}
    for row in rows:
        for position, cell in enumerate(row):
            if cell is not None:
                seen[position] = seen.get(position, True) and _is_number(cell)
    return [position for position, all_numbers in seen.items() if all_numbers]


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float | Decimal | Money) and not isinstance(cell, bool)
