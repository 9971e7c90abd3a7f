"""Two stories that differ in one thing: whether their ends have to be the same, or have to differ."""

from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Final

import pytest

from approvals.models import ApprovalRequest, Decision
from audit.models import Event
from tasks.models import Run
from tests.backoffice.test_site import everything
from tests.journeys.company import DONE, Company, company, said
from tests.journeys.oracle import Rule
from tests.journeys.promises import promises_kept
from tests.journeys.steps import ALONE, IN_TURN, TWICE, TWO

pytestmark = pytest.mark.django_db(transaction=True)

THREE: Final = (Rule("managers", 3),)
# Who has to agree, one after the other.
WAYS: Final = {
    "one": (ALONE, ["bob"]),
    "two of a group": (TWO, ["bob", "dave"]),
    "three of a group": (THREE, ["bob", "carol", "dave"]),
    "one group after the other": (IN_TURN, ["bob", "erin"]),
    "one person in two places": (TWICE, ["carol", "carol"]),
}
ways = pytest.mark.parametrize("way", WAYS)


def agree(there: Company, who: str, verdict: str = "approve") -> str:
    return said(lambda: there.answer(1, who, verdict, shown=1, reason=True))


def ended(there: Company) -> tuple[str, list[int]]:
    """Where the request stands, and what the world saw, after the message has come."""
    there.deliver(1)
    return there.standings()[1][0], there.ledger


@pytest.mark.parametrize("order", list(permutations(["bob", "carol", "dave"])), ids=" ".join)
def test_the_order_of_those_who_agree_does_not_matter(order):
    with company(THREE) as there:
        there.ask(1, "alice", 150)
        assert [agree(there, who) for who in order] == [DONE] * 3
        assert ended(there) == ("done", [150])


@pytest.mark.parametrize(
    "order", list(permutations([("bob", "approve"), ("carol", "approve"), ("dave", "reject")]))
)
def test_one_no_is_enough_wherever_it_comes(order):
    with company(THREE) as there:
        there.ask(1, "alice", 150)
        for who, verdict in order:
            agree(there, who, verdict)
        assert ended(there) == ("rejected", [])


@ways
def test_without_any_one_of_the_approvals_the_effect_is_not_there(way):
    rules, people = WAYS[way]
    for missing in range(len(people)):
        with company(rules) as there:
            there.ask(1, "alice", 150)
            for who in people[:missing] + people[missing + 1 :]:
                agree(there, who)
            assert ended(there) == ("waits", [])


@ways
def test_an_approval_whose_person_has_gone_counts_as_if_it_had_not_been(way):
    rules, people = WAYS[way]
    for gone in people:
        with company(rules) as there:
            there.ask(1, "alice", 150)
            assert [agree(there, who) for who in people] == [DONE] * len(people)
            there.close(gone)
            assert ended(there) == ("stale", [])


# --- What does not count ---------------------------------------------------------------------------


def answer(
    who: str, verdict: str = "approve", *, shown: int = 1, reason: bool = True
) -> Callable[[Company], object]:
    """What somebody sends, to be sent to a company."""
    return lambda there: there.answer(1, who, verdict, shown=shown, reason=reason)


def of_no_account(agreed: list[str]) -> list[Callable[[Company], object]]:
    """Answers of people who may not give them, or to something else, and what others may not do."""
    people = ("alice", "mallory", "root", "wilma", *agreed)
    return [
        *(answer(who, verdict) for who in people for verdict in ("approve", "reject", "change")),
        *(answer(who, shown=99) for who in ("bob", "erin")),
        answer("carol", "reject", reason=False),
        lambda there: there.withdraw(1, "bob"),
        lambda there: there.ask(2, "bob", 151, instead_of=1),
    ]


def refused() -> int:
    return Event.objects.filter(verb=Event.Verb.REFUSED).count()


@pytest.mark.parametrize(
    "way", ["one", "two of a group", "three of a group", "one group after the other"]
)
def test_what_does_not_count_changes_nothing_and_the_timeline_goes_on(way):
    rules, people = WAYS[way]
    with promises_kept(), company(rules) as there:
        there.ask(1, "alice", 150)
        for n, who in enumerate(people):
            before = everything()
            for noted, attempt in enumerate(of_no_account(people[:n]), start=refused() + 1):
                assert said(partial(attempt, there)) != DONE
                assert (everything(), refused()) == (before, noted)
            assert agree(there, who) == DONE
        assert ended(there) == ("done", [150])


# --- What comes a second time ----------------------------------------------------------------------


def timeline(people: list[str]) -> list[Callable[[Company], object]]:
    """Everything that is sent in a story that ends well, but for the asking, which asks for another."""
    return [*map(answer, people), lambda there: there.deliver(1)]


@ways
def test_what_comes_a_second_time_changes_nothing(way):
    """After each step all that was sent before is sent again, and once more at the end."""
    rules, people = WAYS[way]
    with promises_kept(), company(rules) as there:
        there.ask(1, "alice", 150)
        sent: list[Callable[[Company], object]] = []
        for send in timeline(people):
            assert said(partial(send, there)) == DONE
            sent.append(send)
            if way != "one person in two places" or len(sent) > 1:
                before = everything()
                for again in sent:
                    said(partial(again, there))
                assert everything() == before
        assert there.standings()[1][0] == "done"
        assert there.ledger == [150]


def test_to_ask_a_second_time_is_another_request_that_nobody_has_agreed_to():
    with company(ALONE) as there:
        there.ask(1, "alice", 150)
        agree(there, "bob")
        assert ended(there) == ("done", [150])
        there.ask(2, "alice", 150)
        there.deliver(2)
        assert (there.standings()[2], there.ledger) == (("waits", 0), [150])
        assert Decision.objects.filter(request=there.run(2).approval).count() == 0
        assert ApprovalRequest.objects.count() == Run.objects.count() == 2
