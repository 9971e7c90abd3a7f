"""Many rows of one shape: read from a CSV file, each cell by the rules of its column."""

import csv
import io
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, overload

from django import forms
from django.core.exceptions import ValidationError

from audit.texts.hidden import folded, with_hidden_characters_shown
from tasks.parameters.encodings import text_in
from tasks.parameters.lengths import in_units
from tasks.parameters.records import NotCsv, Record, beginning, records
from tasks.parameters.row_faults import (
    Fault,
    quoted,
    said_together,
    why_no_key,
    with_commas,
    with_points,
)
from tasks.parameters.types import File, Money, exactly

if TYPE_CHECKING:
    from tasks.parameters.signature import Parameter

type Check = Callable[[list[Any]], Iterable[tuple[Any, str]]]

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
    decimal_comma: bool = False  # 10,50 in its numbers, and not 10.50

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

    def read(self, content: bytes, code_page: str = "", check: Check | None = None) -> list[Any]:
        """The rows. `check` says of rows that can be read why one cannot be done.

        Raises ValidationError, which names each cell with a fault, of whichever sort, at once.
        """
        faults: list[Fault] = []
        rows = list(self._rows(records(text_in(content, code_page)), faults))
        if check and rows:
            faults += _not_to_be_done(check, rows)
        if faults:
            raise ValidationError(said_together(faults))
        if not rows:
            raise ValidationError("There is no row in it below the header.")
        return [row for _, row in rows]

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

    def _rows(self, found: Iterator[Record], faults: list[Fault]) -> Iterator[tuple[int, Any]]:
        """Each row that can be read, with its number."""
        names, fields = [n for p in self.columns for n in p.inputs], self._fields()
        seen: dict[Hashable, int] = {}
        for number, cells in self._filled(found, faults):
            if len(cells) > len(names) and any(cells[len(names) :]):
                counted = f"it has {len(cells)} cells, and the header {len(names)}."
                faults.append(Fault(number, "", counted))
                continue
            texts = dict(zip(names, [*cells, *[""] * len(names)], strict=False))
            values = dict(self._typed(number, texts, fields, faults))
            if self.key in values:
                self._check_key(number, values[self.key], seen, faults)
            if len(values) == len(self.columns) and not (faults and faults[-1].row == number):
                yield number, self.row(**values)

    def _filled(self, found: Iterator[Record], faults: list[Fault]) -> list[Record]:
        """The rows that are not empty. It stops where they become too many, or are no CSV."""
        filled: list[Record] = []
        most_lines = self.most + MOST_EMPTY
        try:
            header, below = beginning(found)
            self._check_header(header.cells)
            for record in below:
                if record.number > most_lines:
                    raise ValidationError(
                        f"It has more than {most_lines:,} lines. At most {self.most:,} rows are "
                        "allowed: remove empty lines."
                    )
                if any(record.cells):
                    filled.append(record)
        except NotCsv as broken:
            number, _, what = str(broken).removeprefix("Row ").partition(": ")
            faults.append(Fault(int(number), "", f"this is no CSV: {what}"))
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
        faults: list[Fault],
    ) -> Iterator[tuple[str, object]]:
        for p in self.columns:
            try:
                value = self._value(p, fields[p.name], texts)
            except ValidationError as error:
                found = quoted(" ".join(texts[name] for name in p.inputs))
                faults.append(Fault(number, p.name, " ".join(error.messages), found))
                continue
            yield p.name, p.default if value is None else value

    def _value(self, p: "Parameter", field: forms.Field, texts: Mapping[str, str]) -> object:
        """The typed value of one cell. Raises ValidationError."""
        read = {name: texts[name] for name in p.inputs}
        if self.decimal_comma and p.kind.has_decimals:
            read = with_points(read)
        try:
            value = field.clean(field.widget.value_from_datadict(read, {}, p.name))
        except ValidationError as error:
            if not self.decimal_comma:
                raise
            raise ValidationError(with_commas(error.messages)) from error
        if value is None and p.required:
            raise ValidationError("this is missing.")
        if isinstance(value, Money) and not all(read.values()):
            raise ValidationError("the currency is missing.")
        return value

    def _check_key(
        self, number: int, key: Hashable, seen: dict[Hashable, int], faults: list[Fault]
    ) -> None:
        # Two that look the same are one: a person could not tell which of them is meant.
        if isinstance(key, str) and (why := why_no_key(key)):
            faults.append(Fault(number, self.key, why, quoted(key)))
        first = seen.setdefault(folded(key) if isinstance(key, str) else key, number)
        if first != number:
            again = f"{with_hidden_characters_shown(str(key))} is already in row {first}."
            faults.append(Fault(number, self.key, again))


def _not_to_be_done(check: Check, rows: list[tuple[int, Any]]) -> Iterator[Fault]:
    """What a check says, each with the number of its row."""
    numbers = {id(row): number for number, row in rows}
    for row, why in check([row for _, row in rows]):
        yield Fault(numbers[id(row)], "", with_hidden_characters_shown(why))


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
    if isinstance(value, date | time):
        return [value.isoformat()]
    if isinstance(value, timedelta):
        return [in_units(value)]
    return ["" if value is None else str(value)]
