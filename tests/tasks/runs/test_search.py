"""Runs are found by what they are about and what they returned, however it is written. S34."""

import pytest

from tasks.access.rights import runs_for
from tasks.actions.runs import search_words
from tasks.actions.runs.search_words import complete_words
from tasks.models import Run
from tasks.runs.search import MOST_WORDS, found_by, words_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(ask, work, credit, alice) -> Run:
    credit.behave = lambda _: {
        "Customer": "Siobhán O\N{RIGHT SINGLE QUOTATION MARK}Brien",
        "Refund": "re_0c823cf7",
        "Account": "A-10001",
        "Note": "élodie",
    }
    run: Run = ask("50.00", reason="The customer was charged twice")
    work(run)
    assert complete_words() == 1
    assert complete_words() == 0
    return run


@pytest.mark.parametrize(
    "query",
    [
        "re_0c823cf7",
        "re_0c82",
        "twice charged",
        "alice",
        "test credit 50.00",
        "obrien siobhan",
        "O'Brien",
        "A-10001",
        "a\N{NON-BREAKING HYPHEN}10001",
        "10001",
        "A-10001\N{ZERO WIDTH SPACE}",
        "e\N{COMBINING ACUTE ACCENT}lodie",
        "(twice)",
        "O'Brien & re_0c823cf7",
    ],
)
def test_a_run_is_found_by_the_beginnings_of_its_words(run, query):
    assert list(found_by(Run.objects.all(), query)) == [run]


@pytest.mark.parametrize(
    "query", ["re_0c823cf8", "twice bob", "0001", "'", "\\", ":*", "!twice | x"]
)
def test_each_word_has_to_be_there(run, query):
    assert not found_by(Run.objects.all(), query)


def test_a_run_is_found_while_it_waits(ask):
    run = ask("150.00", reason="Goodwill")
    assert list(found_by(Run.objects.all(), "goodwill")) == [run]


def test_results_are_read_a_few_at_a_time_and_nothing_a_second_time(
    ask, work, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(search_words, "AT_ONCE", 1)
    for _ in range(3):
        work(ask("50.00"))
    with django_assert_num_queries(3 * 2 + 1):
        assert complete_words() == 3
    assert complete_words() == 0


def test_nobody_finds_what_they_may_not_see(run, mallory, alice):
    assert not found_by(runs_for(mallory), "twice")
    assert found_by(runs_for(alice), "twice")


def test_a_huge_result_is_found_by_its_beginning(run):
    assert len(words_in(f"w{n}" for n in range(MOST_WORDS * 2))) == MOST_WORDS
    assert words_in(["x" * 1_000_000]) == ["x" * 100]
