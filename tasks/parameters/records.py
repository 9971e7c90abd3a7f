"""A text of CSV as records: its delimiter, its numbering, and what is wrong with it as CSV.

A record has the number that a spreadsheet shows beside it.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

DELIMITERS: Final = ",;\t|"
# A spreadsheet reads such a first line, and does not show it.
SEP_LINE: Final = re.compile(r'"?sep=([,;|\t])"?[,;|\t]*', re.IGNORECASE)
BYTE_ORDER_MARK: Final = "\ufeff"  # twice where a program put one before another's
END_OF_FILE: Final = "\x1a"  # of DOS; some banks still write it
MEANT: Final = {
    "unexpected end of data": "a quotation mark opens a cell and none closes it",
    "expected after": "a cell in quotation marks goes on after they are closed",
    "field larger": "a cell is too long, or a quotation mark is never closed",
}


class Record(NamedTuple):
    """The cells of one line, and its number: the header has 1."""

    number: int
    cells: list[str]


class NotCsv(ValueError):
    """From here on it cannot be read as CSV. The text is for people."""


def records(text: str) -> Iterator[Record]:
    """One record after the other, so that a file of a million is not read to its end.

    Empty lines come along, as they are counted. Raises `NotCsv`.
    """
    text = text.lstrip(BYTE_ORDER_MARK).rstrip(END_OF_FILE)
    delimiter, start = _delimiter(text)
    reader = csv.reader(io.StringIO(text[start:], newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield Record(number, [cell.strip() for cell in cells])
    except csv.Error as error:
        raise NotCsv(f"Row {number + 1}: {_meant(str(error))}.") from error


def beginning(found: Iterator[Record]) -> tuple[Record, Iterator[Record]]:
    """The header, which is the first record that is not empty; and those after it."""
    for record in found:
        if any(record.cells):
            return record, found
    return Record(1, []), chain(())


def _delimiter(text: str) -> tuple[str, int]:
    """The delimiter, and where the records start: behind a line that names it."""
    first = re.match(r"[^\r\n]*", text.lstrip("\r\n"))
    line = first[0] if first else ""
    if named := SEP_LINE.fullmatch(line.strip(" ")):
        start = text.index(line) + len(line)
        return named[1], start + len(re.match(r"\r\n|\r|\n|", text[start:])[0])  # type: ignore[index]
    return max(DELIMITERS, key=line.count), 0


def _meant(said: str) -> str:
    return next((meant for part, meant in MEANT.items() if part in said), said)
