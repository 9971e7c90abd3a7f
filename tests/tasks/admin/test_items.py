"""What a person sees of the items of a run. S15."""

import pytest

from audit.models import Event
from tasks.declaration.errors import OutcomeUnknown, Refused
from tasks.models import Run
from tests.tasks.admin.reading import count_queries, csv_of, live, page_of, signed_in, url, words

pytestmark = pytest.mark.django_db(transaction=True)


def take(letter, key):
    if letter == "b":
        raise Refused("The card is closed.")
    if letter == "c":
        raise OutcomeUnknown("No answer came.")
    return {"id": f"made-{letter}"}


@pytest.fixture
def over(ask, work, credit) -> Run:
    credit.behave = lambda run: run.each("letter", "abcd", take, key=str)
    return work(ask("50.00"))


def items_of(run: Run, query: str = "") -> str:
    return url("tasks_run_items", run.pk) + query


def test_the_run_counts_them_and_shows_those_to_look_at(over, shown):
    text = shown(over)
    assert "Items Done 2 Failed 1 No answer 1" in text
    assert "b Failed The card is closed. c No answer No answer came." in text


def test_while_it_runs_the_item_at_work_alarms_nobody(ask, work, credit, alice):
    def take_and_look(letter, key):
        if letter == "b":
            client = signed_in(alice)
            seen.extend(client.get(at).content.decode() for at in (page_of(run), items_of(run)))
        return letter

    seen: list[str] = []
    credit.behave = lambda run: run.each("letter", "abc", take_and_look, key=str)
    run = ask("50.00")
    work(run)
    page, everything = seen
    assert '<span class="bo-badge bo-badge--busy">In progress</span> 1' in page
    assert "In progress (1)" in everything
    assert "No answer" not in page + everything
    assert "Cancel run" in page
    assert "Withdraw request" not in page


def test_they_come_with_the_live_parts(over, alice):
    assert "Done 2" in words(signed_in(alice).get(live(over)))


def test_a_run_without_items_says_nothing_of_them(ask, work, alice):
    page = signed_in(alice).get(page_of(work(ask("50.00")))).content.decode()
    assert 'data-part="items" aria-labelledby="items-title" hidden' in page


def test_a_page_lists_all_or_those_in_one_state(over, alice):
    everything = words(signed_in(alice).get(items_of(over)))
    assert "All Done (2) Failed (1) No answer (1)" in everything
    assert "a Done" in everything
    refused = words(signed_in(alice).get(items_of(over, "?state=refused")))
    assert "b Failed The card is closed." in refused
    assert "a Done" not in refused


def test_a_state_that_there_is_not_shows_all(over, alice):
    assert "4 of 4" in words(signed_in(alice).get(items_of(over, "?state=nonsense&page=zz")))


def test_each_has_a_receipt_in_the_file_and_the_download_is_on_record(over, alice):
    response = signed_in(alice).post(url("tasks_run_items_csv", over.pk))
    rows = csv_of(response)
    assert [row[:4] for row in rows[1:]] == [
        ["1", "a", "Done", ""],
        ["2", "b", "Failed", "The card is closed."],
        ["3", "c", "No answer", "No answer came."],
        ["4", "d", "Done", ""],
    ]
    assert rows[1][6:8] == [f"bo-{over.pk}-letter:a", "id: made-a"]
    event = Event.objects.get(verb=Event.Verb.EXPORTED)
    assert (event.actor, event.data) == (alice, {"what": "items"})


@pytest.mark.parametrize(("who", "status"), [("dave", 200), ("mallory", 404)])
def test_they_are_for_who_may_see_the_run(over, request, who, status):
    client = signed_in(request.getfixturevalue(who))
    assert client.get(items_of(over)).status_code == status
    assert client.post(url("tasks_run_items_csv", over.pk)).status_code == status


def test_a_get_exports_nothing_and_a_post_changes_nothing(over, alice):
    client = signed_in(alice)
    assert client.get(url("tasks_run_items_csv", over.pk)).status_code == 405
    assert client.post(items_of(over)).status_code == 405


def test_the_list_costs_the_same_for_few_and_many(ask, work, credit, alice):
    def run_with(number):
        credit.behave = lambda run: run.each("n", range(number), lambda item, key: None, key=str)
        return work(ask("50.00"))

    client = signed_in(alice)
    few, many = run_with(3), run_with(90)
    assert count_queries(client, items_of(few)) == count_queries(client, items_of(many))
    assert count_queries(client, page_of(few)) == count_queries(client, page_of(many))
