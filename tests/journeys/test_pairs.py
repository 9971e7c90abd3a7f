"""Two who act on one request at the same time, one of them held at each of its statements. Attack 5.

Whichever of the two is held where, what comes of it has to be what comes of one after the other. That is
found out before, by letting them act one after the other in both orders.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import pytest
from django_q.models import OrmQ

from tests.interleaving import Lanes, two_lanes
from tests.journeys.company import DONE, Company, company, said
from tests.journeys.promises import everybody_has_been_there_for_an_hour, promises_kept
from tests.journeys.steps import ALONE, TWO

pytestmark = pytest.mark.django_db(transaction=True)
TIMES: Final = int(
    os.environ.get("MEETINGS", "50")
)  # of each pair at least, half of them with each one held

type Act = Callable[[Company, int], object]


def says(who: str, verdict: str) -> Act:
    return lambda there, n: there.answer(n, who, verdict, shown=n, reason=True)


def asks_anew(there: Company, number: int) -> None:
    anew = next(there.numbers)
    there.ask(anew, "alice", 150, instead_of=number)


def in_time(there: Company, number: int) -> None:
    """The time of the request is over, and the schedule notices."""
    there.time_passes(number)
    there.sweep()


ACTS: Final[dict[str, Act]] = {
    "bob agrees": says("bob", "approve"),
    "carol agrees": says("carol", "approve"),
    "carol rejects": says("carol", "reject"),
    "carol wants changes": says("carol", "change"),
    "a worker claims": lambda there, n: there.claim(n),
    "alice asks anew": asks_anew,
    "alice withdraws": lambda there, n: there.withdraw(n, "alice"),
    "alice cancels": lambda there, n: there.cancel(n, "alice"),
    "its time is over": in_time,
    "bob leaves": lambda there, n: there.leave("bob", "managers"),
}
# From where they start, and who meets.
WAITS: Final = [
    ("bob agrees", "carol rejects"),
    ("bob agrees", "carol wants changes"),
    ("bob agrees", "a worker claims"),
    ("bob agrees", "alice asks anew"),
    ("bob agrees", "alice withdraws"),
    ("bob agrees", "its time is over"),
    ("bob agrees", "bob leaves"),
    ("bob agrees", "bob agrees"),
    ("a worker claims", "alice withdraws"),
    ("a worker claims", "its time is over"),
    ("alice asks anew", "alice asks anew"),
    ("alice asks anew", "alice withdraws"),
    ("alice asks anew", "its time is over"),
    ("alice withdraws", "alice withdraws"),
    ("alice withdraws", "its time is over"),
    ("its time is over", "its time is over"),
]
IN_LINE: Final = [
    ("a worker claims", "a worker claims"),
    ("a worker claims", "carol agrees"),
    ("a worker claims", "alice asks anew"),
    ("a worker claims", "alice cancels"),
    ("a worker claims", "its time is over"),
    ("a worker claims", "bob leaves"),
]


class Picture(NamedTuple):
    """What can be seen afterwards: what each was told, and everything that there is of the request."""

    first: bool
    second: bool
    standing: str
    agreed: int
    attempts: int
    messages: int
    asked_anew: tuple[str, ...]


class Meeting:
    """Two acts, and a request for each time that they meet."""

    def __init__(self, there: Company, lanes: Lanes, names: tuple[str, str], *, in_line: bool):
        self.there, self.lanes, self.in_line = there, lanes, in_line
        self.first, self.second = (ACTS[name] for name in names)

    def request(self) -> int:
        """A request of Alice's that waits, or that Bob has agreed to."""
        number = next(self.there.numbers)
        self.there.join("bob", "managers")
        self.there.ask(number, "alice", 150)
        if self.in_line:
            ACTS["bob agrees"](self.there, number)
        return number

    def one_after_the_other(self) -> set[Picture]:
        return {self._in_order(swapped=False), self._in_order(swapped=True)}

    def _in_order(self, *, swapped: bool) -> Picture:
        number = self.request()
        acts = [self.first, self.second]
        told = [said(partial(act, self.there, number)) for act in acts[:: -1 if swapped else 1]]
        return self.picture(number, told[:: -1 if swapped else 1])

    def at_once(self, *, swapped: bool, after: int) -> Picture:
        """The first held after so many statements, or the second if they are swapped."""
        number = self.request()
        calls = [partial(said, partial(a, self.there, number)) for a in (self.first, self.second)]
        told = self.lanes.meet(*calls[:: -1 if swapped else 1], after=after)
        return self.picture(number, list(told[:: -1 if swapped else 1]))

    def statements(self, *, swapped: bool) -> int:
        act = self.second if swapped else self.first
        return self.lanes.statements_of(partial(said, partial(act, self.there, self.request())))

    def picture(self, number: int, told: Sequence[object]) -> Picture:
        run = self.there.run(number)
        standing, agreed = self.there.standings()[number]
        anew = tuple(self.there.asked_instead_of(number))
        messages = sum(str(run.pk) in str(row.task) for row in OrmQ.objects.all())
        OrmQ.objects.all().delete()
        first, second = (each == DONE for each in told)
        return Picture(first, second, standing, agreed, run.attempt, messages, anew)


def spread(statements: int) -> Iterator[int]:
    """Each statement from the first to the last, as often as half of the times allows, or once."""
    for n in range(max(TIMES // 2, statements)):
        yield 1 + n % statements


@pytest.fixture
def lanes(transactional_db):
    with two_lanes() as lanes:
        yield lanes


def must_meet_well(lanes, rules, names, *, in_line):
    with promises_kept(), company(rules) as there:
        everybody_has_been_there_for_an_hour()
        meeting = Meeting(there, lanes, names, in_line=in_line)
        allowed = meeting.one_after_the_other()
        for swapped in (False, True):
            for after in spread(meeting.statements(swapped=swapped)):
                assert meeting.at_once(swapped=swapped, after=after) in allowed, (swapped, after)


@pytest.mark.parametrize("names", WAITS, ids=" and ".join)
def test_two_who_meet_while_it_waits_act_one_after_the_other(lanes, names):
    must_meet_well(lanes, ALONE, names, in_line=False)


@pytest.mark.parametrize("names", IN_LINE, ids=" and ".join)
def test_two_who_meet_while_it_is_in_line_act_one_after_the_other(lanes, names):
    must_meet_well(lanes, ALONE, names, in_line=True)


def test_the_last_two_who_are_needed_act_one_after_the_other(lanes):
    must_meet_well(lanes, TWO, ("bob agrees", "carol agrees"), in_line=False)
