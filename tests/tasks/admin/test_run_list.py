"""The list of runs: who sees which, how it is narrowed, who takes it away. S35."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from audit.models import Event
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.models import Run
from tests.owner import without_guards
from tests.tasks.admin.reading import count_queries, csv_of, page_of, runs, signed_in, url, words

Status = Run.Status


def test_the_list_says_what_ran_for_whom_and_how_it_went(ask, work, alice):
    work(ask("50.00"))
    found = words(signed_in(alice).get(runs()))
    assert "Test credit: 50.00 USD 50.00 USD Succeeded Alice Example just now" in found


def test_everybody_sees_the_runs_of_their_tasks_and_their_own(ask, task, dave, mallory, alice):
    run = ask("50.00")
    assert "50.00 USD" in words(signed_in(dave).get(runs()))
    assert "50.00 USD" not in words(signed_in(mallory).get(runs()))
    set_right(task, None, to=alice)
    assert "50.00 USD" in words(signed_in(alice).get(runs()))
    assert signed_in(mallory).get(page_of(run)).status_code == 404


def test_who_is_asked_to_decide_sees_the_run(ask, bob):
    ask()
    assert "150.00 USD" in words(signed_in(bob).get(runs()))


def test_nothing_has_run_yet(alice):
    assert "No runs yet." in words(signed_in(alice).get(runs()))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "50.00"}, {"50.00"}),
        ({"q": "exam credit alice"}, {"50.00", "150.00"}),
        ({"q": "nothing like it"}, set()),
        ({"status": "awaiting"}, {"150.00"}),
        ({"status": "queued", "mine": "on"}, {"50.00"}),
        ({"mine": "on"}, {"50.00", "150.00"}),
        ({"task": "test-credit"}, {"50.00", "150.00", "70.00"}),
        ({"page": "nonsense"}, {"50.00", "150.00", "70.00"}),
        ({"page": "99"}, {"50.00", "150.00", "70.00"}),
    ],
)
def test_the_list_can_be_narrowed(ask, task, dave, alice, query, found):
    set_right(task, Right.EXECUTE, to=dave)
    ask("50.00")
    ask("150.00")
    ask("70.00", by=dave)
    assert _amounts(signed_in(alice).get(runs(), query)) == found


@pytest.mark.parametrize(
    ("since", "until", "there"), [(-1, 1, 1), (0, 0, 1), (1, 2, 0), (-2, -1, 0)]
)
def test_days_are_included(ask, alice, since, until, there):
    ask("50.00")
    query = {"since": _day(since), "until": _day(until)}
    assert len(_amounts(signed_in(alice).get(runs(), query))) == there


def test_days_in_the_wrong_order_are_explained(ask, alice):
    ask("50.00")
    response = signed_in(alice).get(runs(), {"since": _day(1), "until": _day(0)})
    assert "Swap the two dates." in words(response)


@pytest.mark.parametrize(
    "query", [{"status": "nonsense"}, {"task": "x"}, {"since": "x"}, {"until": "9999-12-31"}]
)
def test_a_question_that_makes_no_sense_finds_nothing(ask, alice, query):
    ask("50.00")
    response = signed_in(alice).get(runs(), query)
    assert response.status_code == 200
    assert _amounts(response) == set()


def test_the_names_of_tasks_one_may_not_see_are_not_offered(task, mallory):
    assert "Test credit" not in words(signed_in(mallory).get(runs()))


def test_the_list_goes_on_on_the_next_page(ask, alice, monkeypatch):
    monkeypatch.setattr("tasks.admin.runs.run_admin.PER_PAGE", 2)
    for amount in ("1.00", "2.00", "3.00"):
        ask(amount)
    first = signed_in(alice).get(runs(), {"mine": "on"})
    assert _amounts(first) == {"3.00", "2.00"}
    assert "?mine=on&amp;page=2" in first.content.decode()
    assert _amounts(signed_in(alice).get(runs(), {"mine": "on", "page": "2"})) == {"1.00"}


@pytest.mark.parametrize("who", ["alice", "bob", "auditor"])
def test_the_list_costs_the_same_for_3_runs_as_for_30(ask, request, who, auditor):
    client = signed_in(request.getfixturevalue(who))
    for _ in range(3):
        ask("150.00")
    few = count_queries(client, runs())
    for _ in range(27):
        ask("150.00")
    assert count_queries(client, runs()) == few


def test_an_auditor_downloads_what_the_page_lists_and_that_is_an_event(ask, auditor):
    ask("50.00")
    ask("150.00")
    response = signed_in(auditor).post(url("tasks_run_csv") + "?status=awaiting")
    header, line = csv_of(response)
    found = dict(zip(header, line, strict=True))
    assert (found["what"], found["status"]) == ("Test credit: 150.00 USD", "Awaiting approval")
    assert (found["reason"], found["via"]) == ("The parcel was late", "the web")
    event = Event.objects.get(verb=Event.Verb.EXPORTED)
    assert (event.actor, event.data) == (auditor, {"list of": "runs", "status": "awaiting"})


def test_nobody_else_downloads_the_list_or_a_timeline(ask, alice, root, bob):
    run = ask()
    for who in (alice, bob):
        assert signed_in(who).post(url("tasks_run_csv")).status_code == 404
        assert signed_in(who).post(url("tasks_run_timeline", run.pk)).status_code == 404
        assert "Download" not in words(signed_in(who).get(runs()))
    assert not Event.objects.filter(verb=Event.Verb.EXPORTED).exists()


@pytest.mark.parametrize("name", ["tasks_run_csv", "tasks_run_timeline", "tasks_run_cancel"])
def test_following_a_link_changes_and_downloads_nothing(ask, auditor, name):
    run = ask()
    arguments = () if name == "tasks_run_csv" else (run.pk,)
    assert signed_in(auditor).get(url(name, *arguments)).status_code == 405


def _amounts(response) -> set[str]:
    return set(re.findall(r"Test credit: ([\d.]+) USD", words(response)))


def _day(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


# --- In which order


def test_the_list_is_sorted_by_its_heads(ask, alice):
    for amount in ("9.00", "150.00", "20.50"):
        ask(amount)

    def sorted_by(order):
        found = signed_in(alice).get(runs(), {"sort": order, "mine": "on"})
        return re.findall(r"Test credit: ([\d.]+) USD", words(found))

    assert sorted_by("amount") == ["9.00", "20.50", "150.00"]
    assert sorted_by("-amount") == ["150.00", "20.50", "9.00"]
    assert sorted_by("requested") == ["9.00", "150.00", "20.50"]
    assert sorted_by("status")[0] == "150.00"  # awaiting comes before queued
    assert len(sorted_by("-duration")) == 3
    for nonsense in ("nothing", "-", "task__slug", "amount; DROP"):
        assert sorted_by(nonsense) == ["20.50", "150.00", "9.00"]


def test_currencies_are_sorted_apart_and_what_has_no_amount_comes_last(ask, alice):
    stored = {"1": ("500.00", "JPY"), "2": ("9.00", "EUR"), "3": ("70.00", "EUR"), "4": None}
    for name, money in stored.items():
        run = ask("1.00")
        values = {"amount": dict(zip(("amount", "currency"), money, strict=True)) if money else "?"}
        with without_guards("tasks_run"):
            Run.objects.filter(pk=run.pk).update(headline=f"Run {name}", values=values)
    for order, wanted in (("amount", "2314"), ("-amount", "1324")):
        found = words(signed_in(alice).get(runs(), {"sort": order}))
        assert "".join(re.findall(r"Run (\d)", found)) == wanted
    assert "Run 3 70.00 EUR" in found


def test_a_head_says_how_the_list_is_sorted_and_keeps_the_filter(ask, alice):
    ask("9.00")
    page = signed_in(alice).get(runs(), {"sort": "-amount", "mine": "on", "page": "1"}).text
    assert (
        'aria-sort="descending"><a class="bo-sort" href="?sort=amount&amp;mine=on">Amount' in page
    )
    assert 'href="?sort=-requested&amp;mine=on">Requested' in page
    assert '<input type="hidden" name="sort" value="-amount">' in page


def test_a_time_is_relative_with_the_exact_one_and_its_zone_beside_it(ask, alice):
    at = timezone.localtime(ask("9.00").requested_at)
    page = signed_in(alice).get(runs()).text
    exact = date_format(at, "j M Y, H:i:s T")
    assert f'<time datetime="{at.isoformat()}" title="{exact}">just now</time>' in page
