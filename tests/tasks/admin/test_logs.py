"""The log of a run: its end on the run's page, all of it elsewhere."""

import pytest

from audit.models import Event
from tasks.admin.runs.logs import LONGEST_LINE, ON_PAGE
from tasks.models import LogLine
from tests.tasks.admin.reading import count_queries, live, page_of, signed_in, url, words


@pytest.fixture
def written(ask):
    """A queued run that has written so many lines."""

    def write(lines: int):
        run = ask("50.00")
        more(run, lines)
        return run

    return write


def more(run, lines: int, first: int = 1) -> None:
    LogLine.objects.bulk_create(
        LogLine(run=run, attempt=1, text=f"line {number}.")
        for number in range(first, first + lines)
    )


def last(run) -> int:
    return run.log_lines.latest("id").pk


def test_a_long_log_shows_its_end(written, shown):
    text = shown(written(ON_PAGE + 1))
    assert f"{ON_PAGE + 1} lines; the last ones are shown." in text
    assert "line 1." not in text
    assert text.index("line 2.") < text.index("line 3.") < text.index(f"line {ON_PAGE + 1}.")


def test_a_log_that_fits_is_whole(written, shown):
    text = shown(written(ON_PAGE))
    assert "line 1." in text
    assert "the last ones are shown" not in text


def test_a_line_is_text_and_not_markup(ask, alice):
    run = ask("50.00")
    LogLine.objects.create(run=run, attempt=1, text="<script>alert(1)</script>")
    for page in (
        page_of(run),
        url("tasks_run_log", run.pk),
        url("tasks_run_line", run.pk, last(run)),
    ):
        found = signed_in(alice).get(page).content.decode()
        assert "<script>alert" not in found
        assert "&lt;script&gt;alert(1)" in found


# --- While it goes on


def test_the_news_has_only_the_lines_that_are_new(written, alice):
    run = written(300)
    known = last(run)
    more(run, 2, first=301)
    found = signed_in(alice).get(f"{live(run)}?after={known}").content.decode()
    assert found.count("<li id=") == 2
    assert "line 301." in found
    assert "line 300." not in found
    assert "data-whole" not in found


def test_the_news_of_a_log_without_news_has_no_line(written, alice):
    run = written(3)
    found = signed_in(alice).get(f"{live(run)}?after={last(run)}").content.decode()
    assert "<li id=" not in found
    assert "data-lines" in found


def test_a_reader_who_is_far_behind_gets_the_end_instead(written, alice):
    run = written(1)
    known = last(run)
    more(run, ON_PAGE + 1, first=2)
    found = signed_in(alice).get(f"{live(run)}?after={known}").content.decode()
    assert found.count("<li id=") == ON_PAGE
    assert "data-whole" in found


@pytest.mark.parametrize("after", ["", "x", "-1", "99999999999999999999", "٣x"])
def test_a_line_that_makes_no_sense_does_no_harm(written, alice, after):
    assert signed_in(alice).get(f"{live(written(1))}?after={after}").status_code == 200


def test_the_page_costs_the_same_for_one_line_and_for_thousands(written, alice):
    client = signed_in(alice)
    short, long = written(1), written(10_000)
    assert count_queries(client, page_of(short)) == count_queries(client, page_of(long))
    assert len(client.get(page_of(long)).content) < 150_000
    assert len(client.get(f"{live(long)}?after={last(long)}").content) < 10_000


# --- All of it


def test_the_whole_log_is_read_from_its_beginning(written, alice):
    run = written(ON_PAGE + 1)
    client = signed_in(alice)
    first = words(client.get(url("tasks_run_log", run.pk)))
    assert "line 1." in first
    assert f"line {ON_PAGE + 1}." not in first
    second = words(client.get(url("tasks_run_log", run.pk) + "?page=2"))
    assert f"line {ON_PAGE + 1}." in second
    assert "line 1." not in second


def test_a_huge_line_is_cut_on_the_page_and_can_be_read_whole(ask, alice):
    run = ask("50.00")
    LogLine.objects.create(run=run, attempt=1, text="x" * LONGEST_LINE + "the end")
    client = signed_in(alice)
    whole = url("tasks_run_line", run.pk, last(run))
    for page in (page_of(run), url("tasks_run_log", run.pk)):
        found = client.get(page).content.decode()
        assert "the end" not in found
        assert whole in found
    assert "the end" in words(client.get(whole))


def test_a_line_is_read_with_its_own_run_only(written, alice):
    mine, other = written(1), written(1)
    assert signed_in(alice).get(url("tasks_run_line", mine.pk, last(other))).status_code == 404


def test_the_log_can_be_downloaded_and_that_is_an_event(written, dave):
    run = written(3)
    response = signed_in(dave).post(url("tasks_run_log_export", run.pk))
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert [line.partition(" UTC  ")[2] for line in lines] == ["line 1.", "line 2.", "line 3."]
    assert response["Content-Disposition"].startswith("attachment;")
    event = Event.objects.get(verb=Event.Verb.EXPORTED)
    assert (event.subject_id, event.data) == (str(run.pk), {"what": "log"})


def test_the_log_is_for_who_may_see_the_run(written, mallory):
    run = written(1)
    client = signed_in(mallory)
    assert client.get(url("tasks_run_log", run.pk)).status_code == 404
    assert client.get(url("tasks_run_line", run.pk, last(run))).status_code == 404
    assert client.post(url("tasks_run_log_export", run.pk)).status_code == 404
    assert not Event.objects.filter(verb=Event.Verb.EXPORTED).exists()
