"""What a run returned, on its page and as files. S33."""

import json
from decimal import Decimal

import pytest

from audit.models import Event
from tasks.admin.runs.outputs import ROWS
from tasks.models import StoredFile
from tasks.outputs import JSON, Chart, File, KeyValue, Markdown, Money, Table, Text
from tests.tasks.admin.reading import csv_of, page_of, signed_in, url, words

ATTACK = '<script>alert(1)</script><img src=x onerror="alert(1)">"\'><b>'
EVERY_KIND = [
    ATTACK,
    Text(ATTACK),
    {ATTACK: ATTACK},
    KeyValue({ATTACK: ATTACK}, title=ATTACK),
    Table([ATTACK], [[ATTACK]], title=ATTACK),
    [{ATTACK: ATTACK}],
    Markdown(ATTACK),
    Markdown(f"# {ATTACK}\n\n| {ATTACK} |\n|---|\n| {ATTACK} |\n\n[{ATTACK}](https://x.example)"),
    JSON({ATTACK: [ATTACK]}, title=ATTACK),
    File.of(ATTACK, ATTACK, ATTACK),
    Chart("bar", [ATTACK], {ATTACK: [1], "other": [2]}, title=ATTACK, x=ATTACK, y=ATTACK),
    Chart("line", [ATTACK], {ATTACK: [1], "other": [2]}, title=ATTACK, x=ATTACK, y=ATTACK),
]


@pytest.fixture
def returned(ask, work, credit):
    """A run that returned this."""

    def run_it(output):
        credit.behave = lambda run: output
        return work(ask("50.00"))

    return run_it


@pytest.fixture
def page(alice, returned):
    """The page of a run that returned this, as Alice's browser gets it."""
    return lambda output, query="": (
        signed_in(alice).get(page_of(returned(output)) + query).content.decode()
    )


# --- Each in its own way


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"Credited": "yes"}, "Credited yes"),
        ("Credited it.", "Credited it."),
        (Money(Decimal("1234.5"), "USD"), "1234.50 USD"),
        (Table(["Account"], [["A-1"], ["A-2"]]), "2 rows Account A-1 A-2"),
        (Table(["Account"], []), "The result is empty."),
        (Markdown("**Nothing** to see"), "Nothing to see"),
        (JSON({"a": [1, None]}), "{} 1 entry a : [] 2 entries 1 null"),
        (File.of("risk.csv", "a,b\n", "text/csv"), "risk.csv 4 bytes Download"),
        (["First.", {"Second": "yes"}], "First. Second yes"),
        (None, "Status Succeeded Request again"),
    ],
)
def test_the_result_is_shown_in_its_own_way(returned, shown, output, said):
    assert said in shown(returned(output)).replace("\xa0", " ")


@pytest.mark.parametrize("output", EVERY_KIND, ids=lambda output: type(output).__name__)
def test_what_a_result_holds_is_text_and_not_markup(page, output):
    found = page(output)
    assert "<script>alert" not in found
    assert "<img" not in found.partition('id="output-1"')[2].partition("<aside")[0]
    assert "\"'><b>" not in found
    assert "alert(1)" in found


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//evil.example", "/admin/"],
)
def test_markdown_links_lead_to_the_web_or_to_mail_only(page, link):
    assert (
        "<a"
        not in page(Markdown(f"[here]({link})"))
        .partition('id="output-1"')[2]
        .partition("</section>")[0]
    )


def test_a_markdown_link_tells_the_other_side_nothing(page):
    found = page(Markdown("[here](https://status.example/x)"))
    assert '<a href="https://status.example/x" rel="noopener noreferrer">here</a>' in found


def test_a_markdown_picture_is_not_fetched(page):
    found = page(Markdown("![a cat](https://evil.example/cat.png)"))
    assert "evil.example" not in found
    assert "a cat" in found


def test_markdown_headings_stand_below_those_of_the_page(page):
    found = page(Markdown("# Risk\n\n## Cards"))
    assert "<h3>Risk</h3>" in found
    assert "<h4>Cards</h4>" in found


def test_numbers_stand_at_the_right(page):
    found = page(Table(["Who", "Sum"], [["A", Decimal("1.50")], ["B", None]]))
    assert '<th scope="col" class="bo-number">Sum</th>' in found
    assert '<td class="bo-number">1.50</td>' in found
    assert "<td>A</td>" in found


def test_json_is_folded_below_its_second_level(page):
    found = page(JSON({"a": {"b": {"c": 1}}}))
    assert found.count("<details open><summary>{} 1 entry") == 2
    assert "<details><summary>{} 1 entry" in found


def test_large_json_is_cut_on_the_page_and_whole_in_the_download(returned, alice):
    run = returned(JSON(list(range(5000))))
    client = signed_in(alice)
    assert "Only a part is shown." in words(client.get(page_of(run)))
    assert len(client.get(page_of(run)).content) < 200_000
    whole = client.post(url("tasks_run_result", run.pk, 1))
    assert json.loads(whole.content) == list(range(5000))
    assert whole["Content-Disposition"].startswith("attachment;")


def test_a_chart_has_its_numbers_as_text_too(page):
    found = page(Chart("line", ["Mon", "Tue"], {"Refunds": [1500, -2]}, title="Refunds a day"))
    assert "Refunds a day. Refunds: 2 numbers, from -2 to 1,500. The numbers follow." in found
    assert '<th scope="row">Mon</th><td class="bo-number">1,500</td>' in found


# --- Pages of a table


def table_of(rows: int) -> Table:
    return Table(["Row"], [[f"row {number}."] for number in range(1, rows + 1)])


def test_a_large_table_is_shown_page_by_page(page):
    first = page(table_of(ROWS * 2 + 1))
    assert f"{ROWS * 2 + 1} rows; showing 1 to {ROWS}" in first
    assert f"row {ROWS}." in first
    assert f"row {ROWS + 1}." not in first
    assert '?page1=2#output-1" rel="next"' in first


def test_the_last_page_of_a_table_has_the_rest(page):
    last = page(table_of(ROWS * 2 + 1), "?page1=3")
    assert f"row {ROWS * 2 + 1}." in last
    assert "row 1." not in last
    assert 'rel="next"' not in last
    assert '?page1=2#output-1" rel="prev"' in last


def test_the_page_of_one_table_leaves_another_where_it_is(page):
    found = page([table_of(ROWS + 1), table_of(ROWS * 2)], "?page1=2&other=1")
    assert "?page1=2&amp;page2=2#output-2" in found
    assert "other" not in found.partition('id="output-1"')[2].partition("</section>")[0]


@pytest.mark.parametrize("asked", ["?page1=0", "?page1=x", "?page1=-1"])
def test_a_page_that_makes_no_sense_is_another_page(page, asked):
    assert "row 1" in page(table_of(ROWS + 1), asked)


# --- Downloads


def test_a_table_can_be_downloaded_and_that_is_an_event(returned, dave):
    run = returned(Table(["Account", "Sum"], [["=1+1", "-5.00"]]))
    response = signed_in(dave).post(url("tasks_run_result", run.pk, 1))
    assert csv_of(response) == [["Account", "Sum"], ["'=1+1", "-5.00"]]
    assert Event.objects.get(verb=Event.Verb.EXPORTED).subject_id == str(run.pk)


def test_a_number_stays_a_number_in_the_download(returned, alice):
    run = returned(Table(["Sum", "Paid"], [[Decimal("-5.00"), Money(Decimal(-5), "USD")]]))
    response = signed_in(alice).post(url("tasks_run_result", run.pk, 1))
    assert csv_of(response)[1] == ["-5.00", "'-5.00 USD"]


def test_the_download_has_the_rows_of_all_pages(returned, alice):
    run = returned(table_of(ROWS * 3))
    response = signed_in(alice).post(url("tasks_run_result", run.pk, 1))
    assert len(csv_of(response)) == ROWS * 3 + 1


def test_a_file_comes_back_as_it_was(returned, dave):
    content = bytes(range(256))
    run = returned(File.of("risk.bin", content, "application/x-risk"))
    response = signed_in(dave).post(url("tasks_run_result", run.pk, 1))
    assert response.content == content
    assert response["Content-Type"] == "application/x-risk"
    assert response["Content-Disposition"] == 'attachment; filename="risk.bin"'
    assert response["X-Content-Type-Options"] == "nosniff"
    event = Event.objects.get(verb=Event.Verb.EXPORTED)
    assert (event.subject_id, event.data) == (str(run.pk), {"what": "risk.bin"})


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("../../etc/passwd", "text/html; charset=x"), ('a"\r\nX-Evil: 1', "a\r\nX-Evil: 1"), ("", "")],
)
def test_a_hostile_name_or_type_stays_a_name_and_a_type(returned, alice, name, content_type):
    run = returned(File.of(name, "x", content_type))
    response = signed_in(alice).post(url("tasks_run_result", run.pk, 1))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert "/" not in response["Content-Disposition"]
    assert "X-Evil" not in response.headers


def test_a_stored_file_that_was_changed_is_not_handed_out(returned, alice):
    run = returned(File.of("risk.csv", "a"))
    StoredFile.objects.update(content=b"b")
    with pytest.raises(ValueError, match="not the one"):
        signed_in(alice).post(url("tasks_run_result", run.pk, 1))


@pytest.mark.parametrize(
    "output", [Table(["A"], [["1"]]), JSON({"a": 1}), File.of("a.csv", "a")], ids=lambda o: str(o)
)
def test_a_download_is_for_who_may_see_the_run(returned, alice, dave, mallory, output):
    result = url("tasks_run_result", returned(output).pk, 1)
    assert signed_in(mallory).post(result).status_code == 404
    assert not Event.objects.filter(verb=Event.Verb.EXPORTED).exists()
    assert signed_in(dave).post(result).status_code == 200


def test_following_a_link_downloads_nothing(returned, alice):
    run = returned(File.of("a.csv", "a"))
    assert signed_in(alice).get(url("tasks_run_result", run.pk, 1)).status_code == 405


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_no_table_json_or_file_cannot_be_downloaded(returned, alice, number):
    run = returned({"Credited": "yes"})
    assert signed_in(alice).post(url("tasks_run_result", run.pk, number)).status_code == 404
