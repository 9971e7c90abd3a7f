"""The kinds of output that a task declares by what it returns."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from tasks.declaration.texts import said
from tasks.outputs.texts import text_of
from tasks.parameters import File, Money

LARGEST: Final = 10**18
MAY_DIFFER: Final = "for information"

type Number = int | float | Decimal | Money


@dataclass(frozen=True)
class Table:
    """Rows under column names, shown as a table and downloadable as CSV."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


@dataclass(frozen=True)
class KeyValue:
    """Named values, shown one under the other."""

    items: Mapping[str, object] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Text:
    """A sentence or more."""

    text: str


@dataclass(frozen=True)
class Markdown:
    """CommonMark with tables. HTML in it is shown as text, and pictures as their descriptions."""

    text: str


@dataclass(frozen=True)
class JSON:
    """A value of dicts, lists and what they hold, shown folded and downloadable."""

    value: object
    title: str = ""


@dataclass(frozen=True)
class Chart:
    """Numbers drawn as bars, one row for each label, or as lines from left to right.

    `series` names the numbers: one for each label, None where there is none. `x` and `y` say what
    the labels and the numbers are, such as "Day" and "USD". Raises ValueError for another kind,
    and for numbers that are not as many as the labels, or cannot be drawn: not finite,
    or a quintillion and more.
    """

    kind: Literal["bar", "line"]
    labels: Sequence[object]
    series: Mapping[str, Sequence[Number | None]]
    title: str
    x: str = ""
    y: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("bar", "line"):
            raise ValueError(f"A chart is “bar” or “line”, not “{self.kind}”.")
        for name, numbers in self.series.items():
            if len(numbers) != len(self.labels):
                raise ValueError(
                    f"“{name}” has {len(numbers)} numbers for {len(self.labels)} labels."
                )
            for number in numbers:
                _check_drawable(name, number)


type Output = (
    Table
    | KeyValue
    | Text
    | Markdown
    | JSON
    | Chart
    | File
    | Money
    | Mapping[str, object]
    | Sequence[object]
    | str
    | None
)


@dataclass(frozen=True)
class Change:
    """One thing that a run would change: what it is now, and what it would be.

    What was approved must still be so when the run begins. `must_hold=False` is for what is shown
    for information only, such as a balance that others move all day. `at_least` and `at_most` are
    for what others may move within a limit: the limit of `after` must hold, and not the numbers.
    """

    label: str
    before: object
    after: object
    must_hold: bool = True
    at_least: Number | None = None
    at_most: Number | None = None

    def as_json(self) -> list[str]:
        """Three texts, as they are shown and sealed; a fourth for what need not be just so."""
        texts = [said(self.label), text_of(self.before), text_of(self.after)]
        note = self._limits() or ("" if self.must_hold else MAY_DIFFER)
        return [*texts, note] if note else texts

    def problem(self) -> str:
        """Which limit it breaks, as a sentence. Empty where it keeps them."""
        after = self._counted(self.after) if self._limits() else Decimal(0)
        low = self.at_least is not None and after < self._counted(self.at_least)
        high = self.at_most is not None and after > self._counted(self.at_most)
        if not (low or high):
            return ""
        return f"{self.label} would be {text_of(self.after)}. It {self._limits()}."

    def _limits(self) -> str:
        limits = {"at least": self.at_least, "at most": self.at_most}
        set_ = [f"{how} {text_of(limit)}" for how, limit in limits.items() if limit is not None]
        return f"must be {' and '.join(set_)}" if set_ else ""

    def _counted(self, value: object) -> Decimal:
        """The number to compare. Raises TypeError for what is none, or in another currency."""
        if isinstance(value, Money) != isinstance(self.after, Money):
            raise TypeError(f"{value!r} cannot be compared with {self.after!r}.")
        if isinstance(value, Money) and isinstance(self.after, Money):
            if value.currency != self.after.currency:
                raise TypeError(f"{value} is not in {self.after.currency}.")
            return value.amount
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise TypeError(f"{value!r} is no exact number that could be compared.")
        return Decimal(value)


def exact(number: Number) -> Decimal:
    """The number of a chart; of money the amount."""
    return number.amount if isinstance(number, Money) else Decimal(str(number))


def _check_drawable(name: str, number: object) -> None:
    value = number.amount if isinstance(number, Money) else number
    if value is not None and not _is_drawable(value):
        raise ValueError(f"“{name}” holds {number!r}, which is no number that can be drawn.")


def _is_drawable(value: object) -> bool:
    match value:
        case bool():
            return False
        case int() | float():
            return math.isfinite(value) and abs(value) < LARGEST
        case Decimal():
            return value.is_finite() and abs(value) < LARGEST
    return False
