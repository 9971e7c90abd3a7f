"""The steps of a journey. Each is played on the company, and the oracle has said before what follows.

Who takes a step is said by a name, or by what they are in the story: “who asked”, “who agreed”. So a
twist meets the people on whom the story depends, whoever they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.journeys.company import DONE, Company, said
from tests.journeys.oracle import Asked, Judgement, Oracle, Rule

ALONE = (Rule("managers", 1),)
TWO = (Rule("managers", 2),)
IN_TURN = (Rule("managers", 1), Rule("finance", 1))
TWICE = (Rule("managers", 1), Rule("finance", 1, twice=True))
RULES = (ALONE, TWO, IN_TURN, TWICE)
TOO_MANY = (Rule("managers", 4),)  # for whoever is one of the four


class World:
    """Both sides of a journey."""

    def __init__(self, company: Company, oracle: Oracle) -> None:
        self.company, self.oracle = company, oracle

    def expect(self, judgement: Judgement, call: Callable[[], object]) -> None:
        """Take a step, and hold what came of it against the oracle."""
        answer = said(call)
        if not judgement.reasons:
            assert answer == DONE
            judgement.then()
        else:
            assert answer in judgement.reasons
        self.must_agree()

    def must_agree(self) -> None:
        """What the world saw is what had to happen, and people read the truth about it."""
        assert self.company.ledger == self.oracle.effects
        assert self.company.standings() == {
            asked.number: (asked.standing, len(asked.agreed)) for asked in self.oracle.requests
        }

    def who(self, asked: Asked, name: str) -> str:
        if name == "who asked":
            return asked.by
        if name == "who did not ask":
            return "bob" if asked.by == "alice" else "alice"
        if name == "who agreed":
            return asked.agreed[0][1] if asked.agreed else "dave"
        if name == "who could":
            return next(iter(self.oracle.who_could_agree(asked)), "dave")
        return name


class Step:
    """Something that somebody does, or that happens."""

    def play(self, world: World) -> None:
        raise NotImplementedError


class OfTimeline(Step):
    """A step about a request of a story: its newest, or its first. Without one it is left out."""

    timeline: str
    first = False

    def play(self, world: World) -> None:
        if asked := world.oracle.of(self.timeline):
            self.about(world, asked[0 if self.first else -1])

    def about(self, world: World, asked: Asked) -> None:
        raise NotImplementedError


# --- The way of a request -------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask(Step):
    timeline: str
    who: str = "alice"
    small: bool = False

    def play(self, world: World) -> None:
        amount = _amount(world.oracle, small=self.small)
        number = len(world.oracle.requests) + 1
        world.expect(
            world.oracle.ask(self.timeline, self.who, amount),
            lambda: world.company.ask(number, self.who, amount),
        )


def _amount(oracle: Oracle, *, small: bool = False) -> int:
    """One that tells this request from all others in the ledger."""
    return (50 if small else 150) + len(oracle.requests)


@dataclass(frozen=True)
class Agree(OfTimeline):
    """One of those who may says yes; when nobody may any more, one of those who were asked tries."""

    timeline: str
    pick: int = 0

    def about(self, world: World, asked: Asked) -> None:
        were_asked = sorted(set().union(*(place.asked for place in asked.places)))
        if could := world.oracle.who_could_agree(asked) or were_asked:
            Answer(self.timeline, could[self.pick % len(could)]).about(world, asked)


@dataclass(frozen=True)
class Deliver(OfTimeline):
    timeline: str
    first: bool = False
    tampered: bool = False

    def about(self, world: World, asked: Asked) -> None:
        company = world.company
        deliver = company.deliver_tampered if self.tampered else company.deliver
        world.expect(
            world.oracle.deliver(asked, tampered=self.tampered), lambda: deliver(asked.number)
        )


# --- Twists ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer(OfTimeline):
    """`shown` is what they saw: this, what the other story asks, or what was asked at first."""

    timeline: str
    who: str
    verdict: str = "approve"
    shown: str = "this"
    reason: bool = True
    first: bool = False

    def about(self, world: World, asked: Asked) -> None:
        if not asked.places:
            return  # nobody was asked
        who, shown = world.who(asked, self.who), self._number(world.oracle, asked)
        world.expect(
            world.oracle.answer(asked, who, self.verdict, shown=shown, reason=self.reason),
            lambda: world.company.answer(
                asked.number, who, self.verdict, shown=shown, reason=self.reason
            ),
        )

    def _number(self, oracle: Oracle, asked: Asked) -> int:
        if self.shown == "this":
            return asked.number
        if self.shown == "what was asked at first":
            return oracle.of(self.timeline)[0].number
        others = [each.number for each in oracle.requests if each.timeline != self.timeline]
        return others[-1] if others else 0


@dataclass(frozen=True)
class AskAnew(OfTimeline):
    """`returned` says that somebody has asked for changes before."""

    timeline: str
    who: str = "who asked"
    first: bool = False
    returned: bool = False

    def about(self, world: World, asked: Asked) -> None:
        if self.returned:
            Answer(self.timeline, "who could", "change").about(world, asked)
        who, amount = world.who(asked, self.who), _amount(world.oracle)
        number = len(world.oracle.requests) + 1
        world.expect(
            world.oracle.ask_anew(asked, who, amount),
            lambda: world.company.ask(number, who, amount, instead_of=asked.number),
        )


@dataclass(frozen=True)
class Withdraw(OfTimeline):
    timeline: str
    who: str = "who asked"

    def about(self, world: World, asked: Asked) -> None:
        if asked.places:
            who = world.who(asked, self.who)
            world.expect(
                world.oracle.withdraw(asked, who),
                lambda: world.company.withdraw(asked.number, who),
            )


@dataclass(frozen=True)
class Cancel(OfTimeline):
    timeline: str
    who: str = "who asked"

    def about(self, world: World, asked: Asked) -> None:
        who = world.who(asked, self.who)
        world.expect(
            world.oracle.cancel(asked, who), lambda: world.company.cancel(asked.number, who)
        )


@dataclass(frozen=True)
class TimeIsOver(OfTimeline):
    """Nobody has decided in time; `swept` says that the schedule has noticed."""

    timeline: str
    swept: bool = False

    def about(self, world: World, asked: Asked) -> None:
        if asked.standing == "waits":
            asked.late = True
            world.company.time_passes(asked.number)
        if self.swept:
            world.expect(world.oracle.sweep(), world.company.sweep)


@dataclass(frozen=True)
class AnswerTooLate(OfTimeline):
    """Somebody who could answers when the time is over, and before the schedule has noticed."""

    timeline: str

    def about(self, world: World, asked: Asked) -> None:
        TimeIsOver(self.timeline).about(world, asked)
        Answer(self.timeline, "who could").about(world, asked)


@dataclass(frozen=True)
class Leave(OfTimeline):
    """Somebody leaves a group, and comes back, or tries to answer all the same."""

    timeline: str
    who: str
    group: str
    back: bool = False

    def about(self, world: World, asked: Asked) -> None:
        who = world.who(asked, self.who)
        world.company.leave(who, self.group)
        world.oracle.members[self.group].discard(who)
        if self.back:
            world.company.join(who, self.group)
            world.oracle.members[self.group].add(who)
        else:
            Answer(self.timeline, who).about(world, asked)


@dataclass(frozen=True)
class Join(OfTimeline):
    """Somebody joins a group, and tries to answer what was asked before."""

    timeline: str
    who: str
    group: str

    def about(self, world: World, asked: Asked) -> None:
        world.company.join(self.who, self.group)
        world.oracle.members[self.group].add(self.who)
        Answer(self.timeline, self.who).about(world, asked)


@dataclass(frozen=True)
class Close(OfTimeline):
    """An account is closed, and opened again, or its session answers all the same."""

    timeline: str
    who: str
    back: bool = False

    def about(self, world: World, asked: Asked) -> None:
        who = world.who(asked, self.who)
        world.company.close(who)
        world.oracle.closed.add(who)
        if self.back:
            world.company.reopen(who)
            world.oracle.closed.remove(who)
        else:
            Answer(self.timeline, who).about(world, asked)


@dataclass(frozen=True)
class GoneWhenItComes(OfTimeline):
    """All who are needed agree, and the first of them is gone before the message comes."""

    timeline: str

    def about(self, world: World, asked: Asked) -> None:
        while world.oracle.who_could_agree(asked):
            Agree(self.timeline).about(world, asked)
        Close(self.timeline, "who agreed").about(world, asked)
        Deliver(self.timeline).about(world, asked)


@dataclass(frozen=True)
class LoseRight(OfTimeline):
    timeline: str
    who: str = "who asked"

    def about(self, world: World, asked: Asked) -> None:
        who = world.who(asked, self.who)
        world.company.disallow(who)
        world.oracle.may_run.discard(who)


@dataclass(frozen=True)
class ReplaceRules(Step):
    rules: tuple[Rule, ...]

    def play(self, world: World) -> None:
        world.expect(
            world.oracle.replace_rules(self.rules),
            lambda: world.company.replace_rules(self.rules),
        )


@dataclass(frozen=True)
class Stop(Step):
    """Somebody stops the task; `ended` says that two start it again at once."""

    ended: bool = False

    def play(self, world: World) -> None:
        if not world.oracle.stopped:
            world.company.stop()
            world.oracle.stopped = True
        if self.ended:
            world.company.start()
            world.oracle.stopped = False


@dataclass(frozen=True)
class Deploy(Step):
    def play(self, world: World) -> None:
        world.oracle.code += 1
        world.company.deploy(world.oracle.code)


@dataclass(frozen=True)
class BalanceMoves(Step):
    """What approvers were shown is not what would happen now."""

    def play(self, world: World) -> None:
        world.oracle.balance += 1
        world.company.balance += 1
