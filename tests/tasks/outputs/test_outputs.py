"""What of a result is kept: its kinds, its limits. Pages show it in tests/tasks/pages."""

from decimal import Decimal

import pytest

from tasks.outputs import JSON, Chart, File, Markdown, Money, Table, serialization
from tasks.outputs.serialization import kept, parts
from tasks.secrets.masking import Redactor

plain = Redactor([])


def kinds(output) -> list[str]:
    return [part["kind"] for part in parts(kept(output, plain))]


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (None, []),
        ("x", ["text"]),
        (Money(Decimal(1), "USD"), ["money"]),
        ({}, ["pairs"]),
        ([], ["table"]),
        ([{"a": 1}, {"b": 2}], ["table"]),
        (["x", {"a": 1}, None, [{"a": 1}]], ["text", "pairs", "table"]),
        ((Markdown("x"), JSON(1)), ["markdown", "json"]),
    ],
)
def test_a_result_is_one_output_or_several(output, kind):
    assert kinds(output) == kind


def test_rows_of_dicts_need_not_have_the_same_names():
    found = kept([{"a": 1}, {"b": Decimal("2.50")}], plain)
    assert (found["columns"], found["rows"]) == (["a", "b"], [["1", ""], ["", "2.50"]])


def test_a_column_is_one_of_numbers_when_it_holds_nothing_else():
    found = kept(
        Table(["a", "b", "c", "d"], [[1, "1", None, True], [Decimal(2), 2, None, 1]]), plain
    )
    assert found["numbers"] == [0]


# --- Limits: never a reason to call a run failed


def test_a_table_is_cut_at_its_limit_and_says_so(monkeypatch):
    monkeypatch.setattr(serialization, "MOST_ROWS", 2)
    found = kept(Table(["n"], [[1], [2], [3]]), plain)
    assert (found["rows"], found["of"]) == ([["1"], ["2"]], 3)


def test_all_that_a_run_returns_shares_one_limit(monkeypatch):
    monkeypatch.setattr(serialization, "MOST_CHARACTERS", 250)
    rows = [["x" * 10]] * 20
    first, second = parts(kept([Table(["n"], rows), Table(["n"], rows)], plain))
    assert len(first["rows"]) == 20
    assert len(second["rows"]) < 5
    assert second["of"] == 20


def test_a_long_text_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr(serialization, "LONGEST_TEXT", 5)
    text, note = parts(kept("1234567", plain))
    assert text["text"] == "12345"
    assert note["text"] == "Only the first 5 of 7 characters were kept."


def test_json_that_is_too_large_becomes_a_note(monkeypatch):
    monkeypatch.setattr(serialization, "MOST_CHARACTERS", 100)
    found = kept(JSON(["x"] * 200, title="Everything"), plain)
    assert found["kind"] == "note"
    assert found["text"].startswith("Everything is too large")


def test_json_that_holds_itself_has_an_end():
    around: list[object] = []
    around.append(around)
    assert kinds(JSON(around)) == ["json"]


def test_json_holds_what_json_can_hold():
    value = {1: (Decimal("1.50"), float("nan"), 1.5, None, True)}
    assert kept(JSON(value), plain)["value"] == {"1": ["1.50", "nan", 1.5, None, True]}


def test_a_file_that_is_too_large_becomes_a_note(monkeypatch):
    monkeypatch.setattr(serialization, "LARGEST_FILE", 5)
    found = kept(File.of("risk.csv", "123456"), plain)
    assert found["kind"] == "note"
    assert (
        "risk.csv was not kept: it has 6\xa0bytes, and at most 5\xa0bytes are kept."
        in found["text"]
    )


def test_a_chart_of_too_many_labels_becomes_a_table():
    many = list(range(serialization.MOST_POINTS + 1))
    note, table = parts(kept(Chart("line", many, {"a": many}, title="Many", x="Day"), plain))
    assert note["text"].startswith("At most 200 labels")
    assert (table["title"], table["columns"], len(table["rows"])) == ("Many", ["Day", "a"], 201)


# --- Charts that make no sense


@pytest.mark.parametrize(
    ("chart", "why"),
    [
        ({"kind": "pie"}, "“bar” or “line”, not “pie”"),
        ({"series": {"a": [1]}}, "“a” has 1 numbers for 2 labels"),
        ({"series": {"a": [1, "2"]}}, "“a” holds '2'"),
        ({"series": {"a": [1, float("inf")]}}, "“a” holds inf"),
        ({"series": {"a": [1, Decimal("nan")]}}, "“a” holds Decimal"),
        ({"series": {"a": [1, 10**18]}}, "“a” holds 1000"),
        ({"series": {"a": [1, True]}}, "“a” holds True"),
    ],
)
def test_a_chart_refuses_what_cannot_be_drawn(chart, why):
    with pytest.raises(ValueError, match=why):
        Chart(**({"kind": "bar", "labels": ["x", "y"], "series": {}, "title": "t"} | chart))


def test_a_chart_draws_money_by_its_amount():
    chart = Chart("bar", ["x"], {"a": [Money(Decimal("1.5"), "USD")]}, title="t")
    assert kept(chart, plain)["series"] == [["a", ["1.50"]]]
