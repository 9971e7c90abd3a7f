"""A file and a layout: its rows, typed, and every fault in it at once."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError

from audit.texts.hidden import with_hidden_characters_shown
from tasks.contrib.imports.cells import Wrong, currency, fits_currency, reader_of, signed, words_of
from tasks.contrib.imports.layouts import DELIMITERS, Column, Header, Layout
from tasks.contrib.imports.targets import Into, Row
from tasks.parameters.encodings import CODE_PAGES, UnknownLetters, is_unicode, text_in

WIDEST: Final = 60  # characters of a cell that a fault shows
SPREADSHEET: Final = b"PK\x03\x04"
EMPTY: Final = "There is no row in it below the first line."
DIGITS: Final = 24  # of the reference that is made for a row that has none


@dataclass(frozen=True, slots=True)
class Fault:
    """One cell, or a whole row, that is not as it should be. `row` counts the first line as 1."""

    row: int
    column: str
    text: str
    expected: str

    def __str__(self) -> str:
        shown = with_hidden_characters_shown(self.text)
        where = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return (
            f"{where}: “{shown}”. Expected {self.expected}."
            if shown
            else (f"{where}: empty. Expected {self.expected}.")
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says in one layout. `rows` and `numbers` go together; faulty rows are in neither."""

    layout: Layout
    fields: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rejected: dict[int, list[str]] = field(default_factory=dict)
    header: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many rows the file has, right and faulty ones."""
        return len(self.rows) + len(self.rejected)


def layout_of(content: bytes, layouts: Sequence[Layout]) -> Layout:
    """The only layout whose columns the first line has. Raises ValidationError."""
    fitting = []
    for layout in layouts:
        try:
            header = next(_records(_text(content, layout), layout), (0, []))[1]
        except ValidationError:
            continue
        if _header(header).fits(layout):
            fitting.append(layout)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ValidationError(
            f"It fits {' and '.join(map(str, fitting))}. Choose its layout.", "layout"
        )
    raise ValidationError(_no_layout(content, layouts))


def _no_layout(content: bytes, layouts: Sequence[Layout]) -> str:
    problems = []
    for layout in layouts:
        try:
            read_file(content, layout, None)
        except ValidationError as error:
            problems += error.messages
    if len(set(problems)) == 1:
        return problems[0]
    return f"It fits no layout. {' '.join(dict.fromkeys(problems))}"


def read_file(content: bytes, layout: Layout, into: Into | None, most: int = 50_000) -> Reading:
    """Its rows by this layout. Raises ValidationError for what is no file of it; a wrong row is a fault.

    Without `into` only the first line is looked at.
    """
    records = _records(_text(content, layout), layout)
    header = _header(next(records, (0, []))[1])
    _check_header(header, layout)
    if into is None:
        return Reading(layout, ())
    reading = Reading(layout, into.fields(layout), header=header.cells)
    rows = _Rows(header, layout, into, reading)
    for number, cells in records:
        if reading.count >= most:
            raise ValidationError(f"It has more than {most:,} rows. At most {most:,} are allowed.")
        rows.add(number, cells)
    if not reading.count:
        raise ValidationError(EMPTY)
    return reading


class _Rows:
    """Reads one row after the other into a `Reading`."""

    def __init__(self, header: Header, layout: Layout, into: Into, reading: Reading) -> None:
        self._reading, self._width, self._into = reading, len(header.cells), into
        self._cells = [
            _cell_reader(header, layout, into, name)
            for name in reading.fields
            if name in layout.columns
        ]
        self._columns = {
            name: header.cells[header.place(each.names) or 0]
            for name, each in layout.columns.items()
        }
        self._always = dict(layout.always)
        self._made = [n for n in into.key if n not in layout.columns and n not in self._always]
        self._equal: Counter[Row] = Counter()
        self._keys: dict[Row, int] = {}

    def add(self, number: int, cells: list[str]) -> None:
        before = len(self._reading.faults)
        if len(cells) > self._width and any(cells[self._width :]):
            text = f"{len(cells)} cells"
            self._fault(number, "", text, f"{self._width}, as many as the first line has")
        else:
            self._read(number, cells + [""] * (self._width - len(cells)))
        if len(self._reading.faults) > before:
            self._reading.rejected[number] = cells

    def _read(self, number: int, cells: list[str]) -> None:
        values: dict[str, Any] = dict(self._always)
        for name, read in self._cells:
            try:
                values[name] = read(cells)
            except _WrongCell as wrong:
                column = wrong.column or self._columns[name]
                self._fault(number, column, wrong.text, wrong.expected)
        if len(values) < len(self._cells) + len(self._always):
            return
        if wrong_value := self._wrong(values):
            name, expected = wrong_value
            text = str(values.get(name, ""))
            self._fault(number, self._columns.get(name, name), text, expected)
        else:
            self._keep(number, values)

    def _wrong(self, values: Mapping[str, Any]) -> tuple[str, str] | None:
        for name, code in self._into.money.items():
            if expected := fits_currency(values[name], values[code]):
                return name, expected
        return self._into.check(values) if self._into.check else None

    def _keep(self, number: int, values: dict[str, Any]) -> None:
        if self._made:
            values[self._made[0]] = self._reference(values)
        row = tuple(values[name] for name in self._reading.fields)
        key = row[: len(self._into.key)]
        first = self._keys.setdefault(key, number)
        if first != number:
            name = self._into.key[0]
            text = " ".join(map(str, key))
            self._fault(number, self._columns.get(name, name), text, f"another than in row {first}")
            return
        self._reading.rows.append(row)
        self._reading.numbers.append(number)

    def _reference(self, values: Mapping[str, Any]) -> str:
        """Of a row that has none: made of its values, and of how many like it came before."""
        equal = tuple(values.values())
        self._equal[equal] += 1
        text = "\x1f".join([*map(str, equal), str(self._equal[equal])])
        return f"row-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"

    def _fault(self, number: int, column: str, text: str, expected: str) -> None:
        self._reading.faults.append(Fault(number, column, text[:WIDEST], expected))


class _WrongCell(ValueError):
    def __init__(self, text: str, expected: str, column: str = "") -> None:
        super().__init__(expected)
        self.text, self.expected, self.column = text, expected, column


type _CellsReader = Callable[[list[str]], Any]


def _cell_reader(header: Header, layout: Layout, into: Into, name: str) -> tuple[str, _CellsReader]:
    """What reads one field from the cells of a row."""
    column, target = layout.columns[name], into.field(name)
    read = reader_of(target, column, layout, key=name in into.key)
    if name in into.money.values() and column.words is None:
        read = currency
    place = header.place(column.names) or 0
    empty = "" if target.blank and not target.null else None
    may_be_empty = target.blank or target.null

    def one(cells: list[str]) -> Any:  # noqa: ANN401 - the value of any field
        text = cells[place]
        if not text and may_be_empty:
            return empty
        return _tried(read, text)

    if column.minus:
        return name, _of_two(header, column, read, place)
    if column.sign:
        return name, _with_sign(header, column, one)
    return name, one


def _tried(read: Callable[[str], Any], text: str, column: str = "") -> Any:  # noqa: ANN401
    if not text:
        raise _WrongCell(text, "a value", column)
    try:
        return read(text)
    except Wrong as wrong:
        raise _WrongCell(text, str(wrong), column) from None


def _of_two(header: Header, column: Column, read: Callable[[str], Any], place: int) -> _CellsReader:
    other = header.place((column.minus,)) or 0

    def one_of_two(cells: list[str]) -> Decimal:
        plus, minus = cells[place], cells[other]
        if bool(plus) == bool(minus):
            raise _WrongCell(f"{plus} {minus}".strip(), f"one of it and {column.minus}")
        amount: Decimal = _tried(read, plus or minus, "" if plus else column.minus)
        return amount if plus else -abs(amount)

    return one_of_two


def _with_sign(header: Header, column: Column, read: _CellsReader) -> _CellsReader:
    assert column.sign is not None  # noqa: S101 - the caller has looked
    name, words = column.sign
    place, sign = header.place((name,)) or 0, signed(words_of(dict(words)))

    def with_sign(cells: list[str]) -> Decimal:
        amount = read(cells)
        if not cells[place]:
            raise _WrongCell("", "a value", name)
        try:
            return sign(amount, cells[place])
        except Wrong as wrong:
            raise _WrongCell(cells[place], str(wrong), name) from None

    return with_sign


# --- The file ------------------------------------------------------------------------------------


def _text(content: bytes, layout: Layout) -> str:
    """Its text in the letters of the layout. Raises ValidationError: none is read in others."""
    if content.startswith(SPREADSHEET):
        raise ValidationError("It is a workbook of a spreadsheet program. Save it as CSV.")
    return _decoded(content, layout).lstrip("\ufeff").rstrip("\x1a\r\n ")


def _decoded(content: bytes, layout: Layout) -> str:
    if layout.encoding == "utf-8":
        try:
            return text_in(content)
        except UnknownLetters as error:
            raise ValidationError(
                f"Its letters are not UTF-8, as those of {layout} are. Upload it as it was "
                "exported, without opening it in a spreadsheet program."
            ) from error
    letters = CODE_PAGES[layout.encoding]
    if is_unicode(content):
        text = text_in(content)
        if not text.replace("\ufeff", "").isascii():
            raise ValidationError(
                f"Its letters are Unicode, and those of {layout} are {letters}. Upload it as it "
                "was exported."
            )
        return text
    try:
        return text_in(content, layout.encoding)
    except UnknownLetters as error:
        raise ValidationError(
            f"Its letters are not {letters}, as those of {layout} are."
        ) from error


def _records(text: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, numbered as a spreadsheet program numbers them."""
    lines = io.StringIO(_without_note(text, layout), newline="")
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield number, stripped
    except csv.Error as error:
        between = DELIMITERS[layout.delimiter]
        raise ValidationError(
            f"Row {number + 1} cannot be read with {between} between the cells, as {layout} has them: "
            f"{error}. Is a quotation mark missing?"
        ) from error


def _without_note(text: str, layout: Layout) -> str:
    """Without the line by which a spreadsheet program is told the delimiter."""
    first, _, rest = text.lstrip().partition("\n")
    if not first.lower().startswith("sep="):
        return text
    told = first[4:].strip("\r")
    if told != layout.delimiter:
        raise ValidationError(
            f"Its first line says that {DELIMITERS.get(told, told)} are between the cells; {layout} has "
            f"{DELIMITERS[layout.delimiter]}."
        )
    return rest


def _header(cells: list[str]) -> Header:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return Header(tuple(cells))


def _check_header(header: Header, layout: Layout) -> None:
    if not header.cells:
        raise ValidationError("There is nothing in it.")
    problems = list(header.problems(layout))
    if not problems:
        return
    for delimiter, name in DELIMITERS.items():
        if delimiter != layout.delimiter and any(delimiter in cell for cell in header.cells[:1]):
            problems = [
                f"Its cells are separated by {name}, and those of {layout} by "
                f"{DELIMITERS[layout.delimiter]}."
            ]
    raise ValidationError(problems)
