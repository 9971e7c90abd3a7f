"""Where the parts of a chart lie. Across in percent, so that text keeps its size at every width."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

# Bars: a line with the label, then a row for each series with the number at its end.
LABEL_HEIGHT: Final = 20
BAR_HEIGHT: Final = 20
GROUP_GAP: Final = 8
BAR_SPACE: Final = 72  # percent of the width; the rest is for the number
LONGEST_LABEL: Final = 40  # characters

# Lines.
TOP: Final = 10
PLOT_HEIGHT: Final = 200
HEIGHT: Final = TOP + PLOT_HEIGHT + 28
MOST_TICKS: Final = 5
MOST_NAMES: Final = 6  # labels below the plot
LONGEST_NAME: Final = 12
LEAST: Final = Decimal("1e-9")  # what is less is drawn as nothing
CHARACTER: Final = 7.5  # pixels, about


@dataclass(frozen=True, slots=True)
class Bar:
    """One number as a bar: where it begins and how long it is, in percent."""

    series: int
    top: int
    start: str
    length: str
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A text beside the drawing. A minor one is left out where there is little room."""

    at: str
    text: str
    anchor: str = "middle"
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars. `height` is in pixels."""

    names: list[tuple[int, str]]
    bars: list[Bar]
    zero: str
    height: int


@dataclass(frozen=True, slots=True)
class Point:
    """One number as a point, with what is said when the pointer is over it."""

    series: int
    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines: a scale at its left, names below it. Heights are in pixels."""

    scale: list[Name]
    scale_width: int
    names: list[Name]
    zero: str
    segments: list[tuple[Point, Point]]
    points: list[Point]
    height: int = HEIGHT
    bottom: int = TOP + PLOT_HEIGHT


type Series = Sequence[tuple[str, Sequence[Decimal | None]]]


def series_of(chart: dict[str, Any]) -> list[tuple[str, list[Decimal | None]]]:
    """The numbers of a kept chart, by their names."""
    return [
        (name, [None if text is None else Decimal(text) for text in texts])
        for name, texts in chart["series"]
    ]


def in_words(number: Decimal | None) -> str:
    """“1,234.50”; nothing where there is no number."""
    return "" if number is None else f"{number:,f}"


def summary(series: Series) -> str:
    """“Refunds: 30 numbers, from 0 to 120.50”, for people who do not see the drawing."""
    return ". ".join(
        _summary(name, [n for n in numbers if n is not None]) for name, numbers in series
    )


def bars(labels: Sequence[str], series: Series) -> Bars:
    """Where the bars lie, one group below the other."""
    low, high = _range(series)
    unit = BAR_SPACE / float(high - low)
    group = LABEL_HEIGHT + BAR_HEIGHT * len(series) + GROUP_GAP
    tops = [row * group for row in range(len(labels))]

    def bar(number: int, row: int, value: Decimal) -> Bar:
        return Bar(
            series=number,
            top=tops[row] + LABEL_HEIGHT + BAR_HEIGHT * (number - 1),
            start=_percent(float(min(value, Decimal(0)) - low) * unit),
            length=_percent(float(abs(value)) * unit),
            text=in_words(value),
        )

    return Bars(
        names=[
            (top + 14, _short(text, LONGEST_LABEL)) for top, text in zip(tops, labels, strict=True)
        ],
        bars=[bar(*place, value) for place, value in _known(series)],
        zero=_percent(float(-low) * unit),
        height=group * len(labels),
    )


def lines(labels: Sequence[str], series: Series) -> Lines:
    """Where the points and what connects them lie."""
    ticks = _scale(*_range(series))
    height = _Height(ticks[0][0], ticks[-1][0])
    points = {
        (number, position): Point(
            number,
            _percent(_across(position, len(labels))),
            height.of(value),
            f"{labels[position]}: {in_words(value)} ({series[number - 1][0]})",
        )
        for (number, position), value in _known(series)
    }
    scale = [Name(height.of(tick), text) for tick, text in ticks]
    return Lines(
        scale=scale,
        scale_width=round(max(len(name.text) for name in scale) * CHARACTER) + 8,
        names=list(_names(labels)),
        zero=height.of(Decimal(0)),
        points=list(points.values()),
        segments=[
            (point, points[number, position + 1])
            for (number, position), point in points.items()
            if (number, position + 1) in points
        ],
    )


def _known(series: Series) -> Iterator[tuple[tuple[int, int], Decimal]]:
    """Each number with that of its series, counted from one, and its place in it."""
    for number, (_, values) in enumerate(series, start=1):
        for position, value in enumerate(values):
            if value is not None:
                yield (number, position), value


class _Height:
    """From a number to pixels below the top."""

    def __init__(self, low: Decimal, high: Decimal) -> None:
        self.high = high
        self.unit = PLOT_HEIGHT / float(high - low)

    def of(self, number: Decimal) -> str:
        return f"{TOP + float(self.high - number) * self.unit:.1f}"


def _range(series: Series) -> tuple[Decimal, Decimal]:
    """The least and the greatest number, with zero between them, and never the same."""
    numbers = [value for _, value in _known(series)]
    low, high = min([*numbers, Decimal(0)]), max([*numbers, Decimal(0)])
    return low, high if high - low > LEAST else low + 1


def _scale(low: Decimal, high: Decimal) -> list[tuple[Decimal, str]]:
    """Round numbers that the range lies between, in steps of 1, 2 or 5 and zeros."""
    rough = (high - low) / (MOST_TICKS - 1)
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    places = max(0, -step.normalize().adjusted())
    first, last = math.floor(low / step), math.ceil(high / step)
    return [(step * tick, f"{step * tick:,.{places}f}") for tick in range(first, last + 1)]


def _names(labels: Sequence[str]) -> Iterator[Name]:
    every = math.ceil(len(labels) / MOST_NAMES) or 1
    for number, position in enumerate(range(0, len(labels), every)):
        at = _across(position, len(labels))
        anchor = "start" if at < 5 else "end" if at > 95 else "middle"
        yield Name(_percent(at), _short(labels[position], LONGEST_NAME), anchor, number % 2 == 1)


def _across(position: int, count: int) -> float:
    return 50.0 if count == 1 else position / (count - 1) * 100


def _percent(number: float) -> str:
    return f"{number:.2f}%"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _summary(name: str, numbers: Iterable[Decimal]) -> str:
    known = list(numbers)
    if not known:
        return f"{name}: no numbers"
    how_many = "1 number" if len(known) == 1 else f"{len(known)} numbers"
    return f"{name}: {how_many}, from {in_words(min(known))} to {in_words(max(known))}"
