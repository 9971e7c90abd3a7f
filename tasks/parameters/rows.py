"""Many rows of one shape: read from a CSV file, each cell by the rules of its column."""

import csv
import io
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, overload

from django import forms
from django.core.exceptions import ValidationError

from audit.texts.hidden import folded
from tasks.parameters.encodings import text_in
from tasks.parameters.types import File, Money, exactly

if TYPE_CHECKING:
    from tasks.parameters.signature import Parameter

MOST_FAULTS: Final = 20  # are said at once
MOST_EMPTY: Final = 10_000  # lines that a file may have beside its rows


class Rows[R](Sequence[R]):
    """The rows of a file that a person handed in, or that a look-up found, and the file itself.

    `code_page` is what that person said of its letters, where it was no Unicode.
    """

    def __init__(self, rows: Iterable[R], file: File, code_page: str = "") -> None:
        self._rows = tuple(rows)
        self.file = file
        self.code_page = code_page

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        """One row, or some of them."""
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __str__(self) -> str:
        return f"{self.file} ({len(self):,} rows)"


@dataclass(frozen=True)
class Table:
    """What a row consists of, which column names it, and how many rows there may be."""

    row: Any  # a dataclass, whose fields are declared like the parameters of a task
    columns: "Sequence[Parameter]"
    key: str
    most: int

    @property
    def header(self) -> list[str]:
        """The names in the first line: an amount has a second column, for its currency."""
        names = [name for p in self.columns for name in p.inputs]
        currencies = [name for name in names if name.endswith("_currency")]
        short = {currencies[0]: "currency"} if len(currencies) == 1 else {}
        return [short.get(name, name) for name in names]

    def template(self) -> bytes:
        """An empty file to be filled in."""
        return ("\ufeff" + ",".join(self.header) + "\r\n").encode()

    def read(self, content: bytes, code_page: str = "") -> list[Any]:
        """The rows. Raises ValidationError, which names each cell with a fault."""
        faults: list[str] = []
        rows = list(self._rows(_records(text_in(content, code_page)), faults))
        if faults:
            more = len(faults) - MOST_FAULTS
            raise ValidationError(
                faults[:MOST_FAULTS] + ([f"And {more:,} more."] if more > 0 else [])
            )
        if not rows:
            raise ValidationError("There is no row in it below the header.")
        return rows

    def written(self, rows: Iterable[Any]) -> bytes:
        """A file that reads as these rows."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.header)
        for row in rows:
            writer.writerow(self._cells_to_read(row))
        return out.getvalue().encode()

    def _cells_to_read(self, row: object) -> list[str]:
        """A row as texts that are read as the same row: no number with more decimals than it may have."""
        values = ((p, getattr(row, p.name)) for p in self.columns)
        return [text for p, value in values for text in _texts(_shortened(value, p.param.places))]

    def cells(self, row: object) -> list[str]:
        """A row as texts, in the order of the header."""
        return [text for p in self.columns for text in _texts(getattr(row, p.name))]

    def _rows(self, records: Iterator[list[str]], faults: list[str]) -> Iterator[Any]:
        self._check_header(next(records, []))
        filled = self._filled(records)
        names, fields = [n for p in self.columns for n in p.inputs], self._fields()
        seen: dict[Hashable, int] = {}
        for number, cells in filled:
            if len(cells) > len(names) and any(cells[len(names) :]):
                faults.append(
                    f"Row {number}: it has {len(cells)} cells, and the header {len(names)}."
                )
                continue
            texts = dict(zip(names, [*cells, *[""] * len(names)], strict=False))
            found = dict(self._typed(number, texts, fields, faults))
            if len(found) == len(self.columns) and self._is_new(
                number, found[self.key], seen, faults
            ):
                yield self.row(**found)

    def _filled(self, records: Iterator[list[str]]) -> list[tuple[int, list[str]]]:
        """The rows that are not empty, with their numbers. It stops where they become too many."""
        filled: list[tuple[int, list[str]]] = []
        most_lines = self.most + MOST_EMPTY
        for number, cells in enumerate(records, start=2):
            if number > most_lines:
                raise ValidationError(
                    f"It has more than {most_lines:,} lines. At most {self.most:,} rows are allowed: "
                    "remove empty lines."
                )
            if any(cells):
                filled.append((number, cells))
        if len(filled) > self.most:
            raise ValidationError(
                f"It has {len(filled):,} rows. At most {self.most:,} are allowed."
            )
        return filled

    def _check_header(self, header: list[str]) -> None:
        while header and not header[-1]:
            header.pop()
        if [name.lower() for name in header] != self.header:
            raise ValidationError(f"Its first line must be {','.join(self.header)}.")

    def _fields(self) -> dict[str, forms.Field]:
        from tasks.parameters.kinds import Asked

        return {
            p.name: p.kind.field(
                Asked(None, p.name, p.label, required=p.required, optional=p.optional)
            )
            for p in self.columns
        }

    def _typed(
        self,
        number: int,
        texts: Mapping[str, str],
        fields: Mapping[str, forms.Field],
        faults: list[str],
    ) -> Iterator[tuple[str, object]]:
        for p in self.columns:
            field = fields[p.name]
            try:
                value = field.clean(field.widget.value_from_datadict(texts, {}, p.name))
            except ValidationError as error:
                faults.append(f"Row {number}, {p.name}: {' '.join(error.messages)}")
                continue
            if value is None and p.required:
                faults.append(f"Row {number}, {p.name}: this is missing.")
                continue
            yield p.name, p.default if value is None else value

    def _is_new(
        self, number: int, key: Hashable, seen: dict[Hashable, int], faults: list[str]
    ) -> bool:
        # Two that look the same are one: a person could not tell which of them is meant.
        first = seen.setdefault(folded(key) if isinstance(key, str) else key, number)
        if first != number:
            faults.append(f"Row {number}, {self.key}: {key} is already in row {first}.")
        return first == number


def _records(text: str) -> Iterator[list[str]]:
    """One line after the other, so that a file of a million is not read to its end."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            yield [cell.strip() for cell in record]
    except csv.Error as error:
        raise ValidationError(f"It cannot be read as CSV: {error}.") from error


def _shortened(value: object, places: int | None) -> object:
    if not isinstance(value, Decimal) or places is None:
        return value
    try:
        return exactly(value, places)
    except ValueError:
        return value  # what reads it says what is wrong


def _texts(value: object) -> list[str]:
    if isinstance(value, Money):
        return [f"{value.amount:f}", value.currency]
    if isinstance(value, Enum):
        return [str(value.value)]
    if isinstance(value, date):
        return [value.isoformat()]
    return ["" if value is None else str(value)]
