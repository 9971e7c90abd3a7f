"""Where the parts of a chart lie. No database."""

from decimal import Decimal

import pytest

from tasks.outputs import charts


def numbers(*values):
    return [("a", [None if v is None else Decimal(str(v)) for v in values])]


def across(drawn: str) -> float:
    return float(drawn.removesuffix("%"))


def test_bars_begin_at_zero():
    drawn = charts.bars(["x", "y"], numbers(50, 100))
    assert [across(bar.start) for bar in drawn.bars] == [0, 0]
    assert across(drawn.bars[1].length) == charts.BAR_SPACE
    assert across(drawn.bars[0].length) == charts.BAR_SPACE / 2


def test_a_bar_below_zero_ends_at_zero():
    drawn = charts.bars(["x", "y"], numbers(-100, 100))
    below, above = drawn.bars
    assert across(below.start) == 0
    assert across(below.start) + across(below.length) == across(drawn.zero) == across(above.start)


@pytest.mark.parametrize("draw", [charts.bars, charts.lines])
@pytest.mark.parametrize(
    "values", [(0, 0), (None, None), (0,), (-1,), (1e17, 1), (0.000001, 0), (1e-300, 0)]
)
def test_any_numbers_can_be_drawn(draw, values):
    labels = [str(position) for position in range(len(values))]
    assert draw(labels, numbers(*values))


@pytest.mark.parametrize("draw", [charts.bars, charts.lines])
def test_no_labels_can_be_drawn(draw):
    assert draw([], numbers())


def test_points_stay_between_the_ends_of_the_scale():
    drawn = charts.lines(list("abcd"), numbers(-7, 13, 0, 99.5))
    ends = sorted(float(name.at) for name in drawn.scale)
    assert ends[0] >= charts.TOP
    assert ends[-1] <= drawn.bottom + 0.1
    assert all(ends[0] <= float(point.y) <= ends[-1] for point in drawn.points)


def test_the_scale_has_round_numbers_and_zero():
    drawn = charts.lines(list("ab"), numbers(-7, 93))
    assert [name.text for name in drawn.scale] == ["-50", "0", "50", "100"]


def test_small_steps_have_decimals():
    drawn = charts.lines(list("ab"), numbers("0.10", "0.35"))
    assert [name.text for name in drawn.scale] == ["0.0", "0.1", "0.2", "0.3", "0.4"]


def test_a_line_is_broken_where_there_is_no_number():
    drawn = charts.lines(list("abcd"), numbers(1, 2, None, 4))
    assert (len(drawn.points), len(drawn.segments)) == (3, 1)


def test_a_series_is_not_joined_to_the_next():
    drawn = charts.lines(list("ab"), [*numbers(1, 2), *numbers(3, 4)])
    assert [(one.series, two.series) for one, two in drawn.segments] == [(1, 1), (2, 2)]


def test_few_labels_are_written_below_many_points():
    labels = [f"2026-01-{day:02} and so on" for day in range(1, 200)]
    drawn = charts.lines(labels, numbers(*range(199)))
    assert len(drawn.names) <= charts.MOST_NAMES
    assert max(len(name.text) for name in drawn.names) <= charts.LONGEST_NAME
    assert drawn.names[0].anchor == "start"


def test_a_chart_says_in_words_what_it_shows():
    series = [*numbers(1, None, "1234.50"), ("b", [None])]
    assert charts.summary(series) == "a: 2 numbers, from 1 to 1,234.50. b: no numbers"
