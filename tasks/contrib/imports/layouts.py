"""How one provider writes a file: its columns, letters, numbers and dates. Declared, never guessed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from tasks.parameters.encodings import CODE_PAGES

DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
type Negative = Literal["-1", "1-", "(1)"]
NEGATIVE: Final = ("-1", "1-", "(1)")
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Column:
    """Where a layout has one field: by the names that its column may have.

    `minus` names a second column, whose amounts count as negative: one of the two is filled in.
    `sign` names a column whose words say the sign: ("Type", {"debit": -1, "credit": 1}). `words`
    gives the value for what stands in the cells, where a field has choices.
    """

    names: tuple[str, ...]
    minus: str = ""
    sign: tuple[str, Mapping[str, int]] | None = None
    words: Mapping[str, str] | None = None

    @property
    def needed(self) -> list[tuple[str, ...]]:
        """Each column that the header must have, by the names that it may have there."""
        more = [self.minus] if self.minus else []
        return [self.names, *((name,) for name in more + ([self.sign[0]] if self.sign else []))]


def column(
    *names: str,
    minus: str = "",
    sign: tuple[str, Mapping[str, int]] | None = None,
    words: Mapping[str, str] | None = None,
) -> Column:
    """A column by the names that it may have: `column("Date", "Booking date")`. See `Column`."""
    return Column(names, minus, sign, words)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one provider writes its files. `name` is kept with each run, and never changes.

    columns     the fields of the model, each with its column
    always      fields that no column has, with their value, such as {"currency": "EUR"}
    ignored     columns that nobody reads; any other unknown column is refused
    delimiter   between two cells: "," ";" a tab or "|"
    encoding    "utf-8", or a code page, such as "cp1250"
    dates       as `strptime` reads them: "%d/%m/%Y"
    decimal     the mark before the decimals, `thousands` between the digits before it, if any
    negative    how an amount below zero is written: "-1", "1-" or "(1)"
    """

    name: str
    columns: Mapping[str, Column]
    label: str = ""
    always: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    ignored: Sequence[str] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    dates: str = "%Y-%m-%d"
    decimal: str = "."
    thousands: str = ""
    negative: Negative = "-1"

    def __str__(self) -> str:
        return self.label or self.name

    def in_words(self) -> str:
        """How a file has to look, for the page of the task."""
        letters = CODE_PAGES.get(self.encoding, "UTF-8")
        number = f"1{self.thousands}234{self.decimal}50"
        lines = [f"{name}: {' or '.join(each.names)}" for name, each in self.columns.items()]
        lines += [f"{name}: always {value}" for name, value in self.always.items()]
        lines += [f"Not read: {', '.join(self.ignored)}"] if self.ignored else []
        return "\n".join(
            [
                *lines,
                f"Between cells: {DELIMITERS[self.delimiter]}. Letters: {letters}.",
                f"Dates: {self.dates}. Numbers: {number}, below zero {self.negative}.",
            ]
        )

    def problems(self) -> Iterator[str]:
        """What is wrong with it, in sentences."""
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            yield f"{self.name!r} cannot name a layout: use small letters, digits and hyphens."
        if self.delimiter not in DELIMITERS:
            yield f"The layout {self.name} has the delimiter {self.delimiter!r}."
        if self.encoding not in ("utf-8", *CODE_PAGES):
            yield f"The layout {self.name} has the encoding {self.encoding!r}, which is unknown."
        if self.decimal not in (".", ",") or self.thousands not in ("", ".", ",", " ", "'"):
            yield f"The layout {self.name} writes numbers with {self.decimal!r} and {self.thousands!r}."
        elif self.decimal == self.thousands:
            yield f"The layout {self.name} has one mark for thousands and for decimals."
        if self.negative not in NEGATIVE:
            yield f"The layout {self.name} has negative={self.negative!r}."
        if not self.columns:
            yield f"The layout {self.name} has no columns."


def name_of(cell: str) -> str:
    """What two headers share that name the same column: without case and double spaces."""
    return " ".join(cell.replace("\ufeff", "").split()).casefold()


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a file, as one layout reads it."""

    cells: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [name_of(cell) for cell in self.cells]

    def place(self, names: tuple[str, ...]) -> int | None:
        """The position of the column that has one of these names."""
        wanted = {name_of(name) for name in names}
        return next((at for at, name in enumerate(self.names) if name in wanted), None)

    def fits(self, layout: Layout) -> bool:
        """Whether it has every column of this layout."""
        return all(
            self.place(names) is not None
            for each in layout.columns.values()
            for names in each.needed
        )

    def problems(self, layout: Layout) -> Iterator[str]:
        """Why it is not that of the layout, in sentences."""
        needed = [names for each in layout.columns.values() for names in each.needed]
        missing = [names[0] for names in needed if self.place(names) is None]
        if missing:
            yield (
                f"It is no file of {layout}: {_columns(missing)} missing. Its first line has "
                f"{', '.join(self.cells[:20]) or 'nothing'}."
            )
            return
        known = {name_of(name) for names in needed for name in names}
        known |= {name_of(name) for name in layout.ignored}
        if unknown := [
            c for c, name in zip(self.cells, self.names, strict=True) if name not in known
        ]:
            yield f"{layout} does not say what {_columns(unknown)} for."
        for names in needed:
            wanted = {name_of(name) for name in names}
            if len(twice := [c for c in self.cells if name_of(c) in wanted]) > 1:
                yield f"Two columns could be the same: {' and '.join(twice)}. Remove one of them."


def _columns(names: list[str]) -> str:
    listed = ", ".join(f"“{name}”" for name in names)
    verb = "are" if len(names) > 1 else "is"
    return f"the column{'s' if len(names) > 1 else ''} {listed} {verb}"
