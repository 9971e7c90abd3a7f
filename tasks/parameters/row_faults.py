"""What is wrong with the rows of a file, in words: all of it at once, each with its row and column."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError

from audit.texts.hidden import invisible_in, with_hidden_characters_shown

MOST_FAULTS: Final = 20  # are said at once
LONGEST_QUOTED: Final = 60  # characters of a cell
# What a spreadsheet makes of a long number that it takes for one: its digits are lost.
SHORTENED_NUMBER: Final = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+")


class Fault(NamedTuple):
    """Of one row, as its spreadsheet numbers it. `found` is the cell, in quotation marks."""

    row: int
    column: str
    why: str
    found: str = ""

    def __str__(self) -> str:
        where = f"Row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{where} {self.found}: {self.why}" if self.found else f"{where}: {self.why}"


def said_together(faults: Iterable[Fault]) -> list[str]:
    """The faults as sentences, from the top of the file down: the first ones, and how many more."""
    found = sorted(faults, key=lambda fault: fault.row)
    more = len(found) - MOST_FAULTS
    said = [str(fault) for fault in found[:MOST_FAULTS]]
    return said + ([f"And {more:,} more."] if more > 0 else [])


def quoted(cell: str) -> str:
    """A cell as it stands there, with what cannot be seen in it. Empty for an empty one."""
    cell = cell.strip()
    shown = with_hidden_characters_shown(cell[:LONGEST_QUOTED])
    return f"“{shown}{'…' if len(cell) > LONGEST_QUOTED else ''}”" if cell else ""


def why_no_key(key: str) -> str:
    """Why a text cannot name a row, as a sentence. Empty if it can."""
    if hidden := invisible_in(key):
        return f"this has an invisible character ({hidden}). Empty the cell and type it again."
    if SHORTENED_NUMBER.fullmatch(key):
        return "a spreadsheet has shortened this number. Format its column as text, and enter it again."
    return ""


def with_points(cells: Mapping[str, str]) -> dict[str, str]:
    """Numbers that are written with a decimal comma, with a point. Raises ValidationError."""
    if any("." in cell for cell in cells.values()):
        raise ValidationError("Enter the number with a decimal comma, and without other marks.")
    return {name: cell.replace(",", ".") for name, cell in cells.items()}


def with_commas(messages: Iterable[str]) -> list[str]:
    """What is said of numbers, with their decimal comma."""
    return [re.sub(r"(?<=[0-9])\.(?=[0-9])", ",", message) for message in messages]
