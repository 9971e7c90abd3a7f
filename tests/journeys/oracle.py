"""What the promises say, in plain Python: facts of its own, and nothing imported from the product.

It is told what people do, and says what has to follow: every reason for which a step may be refused,
or none, and then what the world has seen. A refusal is known by the name of its class.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

FREE: Final = 100  # dollars that nobody has to agree to


@dataclass(frozen=True)
class Rule:
    """So many members of a group agree; `twice` lets those who have agreed before do so here, too."""

    group: str
    needed: int
    twice: bool = False


@dataclass(frozen=True)
class Place:
    """A rule as it was when something was asked, with those who could decide then."""

    rule: Rule
    asked: frozenset[str]


@dataclass
class Asked:
    """One request. `number` stands for everything that was shown: no two have the same."""

    number: int
    timeline: str
    by: str
    amount: int
    code: int
    balance: int
    places: list[Place]
    standing: str = "waits"
    agreed: list[tuple[int, str]] = field(default_factory=list)  # place, who
    late: bool = False
    asked_anew: bool = False

    def place(self) -> int:
        """The first place that has not got what it needs."""
        return next(n for n, each in enumerate(self.places) if len(self.at(n)) < each.rule.needed)

    def at(self, place: int) -> set[str]:
        return {who for where, who in self.agreed if where == place}

    def is_complete(self) -> bool:
        return all(len(self.at(n)) >= each.rule.needed for n, each in enumerate(self.places))


@dataclass(frozen=True)
class Judgement:
    """Why it must be refused; where there is no reason, what follows from it."""

    reasons: frozenset[str] = frozenset()
    then: Callable[[], object] = lambda: None


class Oracle:
    """The facts of one company, from its first day on."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.members = {
            "managers": {"alice", "bob", "carol", "dave"},
            "finance": {"carol", "erin"},
        }
        self.closed: set[str] = set()
        self.may_run = {"alice", "bob"}
        self.stopped = False
        self.code = 1
        self.balance = 10
        self.requests: list[Asked] = []
        self.effects: list[int] = []

    # --- Who and what there is ----------------------------------------------------------------

    def of(self, timeline: str) -> list[Asked]:
        """Everything that was asked in this story, the newest last."""
        return [asked for asked in self.requests if asked.timeline == timeline]

    def may_still(self, who: str, place: Place) -> bool:
        """Whether somebody who was asked is still there, and still in the group."""
        return (
            who in place.asked and who in self.members[place.rule.group] and who not in self.closed
        )

    def who_could_agree(self, asked: Asked) -> list[str]:
        """Those whose yes would count now."""
        if asked.standing != "waits" or asked.code != self.code:
            return []
        everybody = sorted(asked.places[asked.place()].asked)
        return [who for who in everybody if not self._why_not_answer(asked, who, asked.number)]

    # --- What people do -----------------------------------------------------------------------

    def ask(self, timeline: str, who: str, amount: int) -> Judgement:
        asked = self._new(timeline, who, amount)
        return Judgement(self._why_not_ask(asked), lambda: self._put(asked))

    def ask_anew(self, old: Asked, who: str, amount: int) -> Judgement:
        asked = self._new(old.timeline, who, amount)
        reasons = set(self._why_not_ask(asked))
        if who != old.by:
            reasons |= {"NotEligible", "NotRevisable"}
        if old.asked_anew or old.standing not in ("waits", "returned"):
            reasons.add("NotRevisable")
        if not old.places:
            reasons.add("NotRevisable")  # nobody was asked

        def then() -> None:
            old.asked_anew = True
            if old.standing == "waits":
                old.standing = "taken back"
            self._put(asked)

        return Judgement(frozenset(reasons), then)

    def answer(
        self, asked: Asked, who: str, verdict: str, *, shown: int, reason: bool
    ) -> Judgement:
        reasons = self._why_not_answer(asked, who, shown)
        if verdict != "approve" and not reason:
            reasons.add("ReasonMissing")
        if verdict == "approve" and asked.standing == "waits" and asked.code != self.code:
            reasons.add("Outdated")
        return Judgement(frozenset(reasons), lambda: self._count(asked, who, verdict))

    def withdraw(self, asked: Asked, who: str) -> Judgement:
        reasons = set()
        if who != asked.by:
            reasons.add("NotEligible")
        if asked.standing != "waits" or not asked.places:
            reasons.add("NotWaiting")
        return Judgement(frozenset(reasons), lambda: self._set(asked, "taken back"))

    def cancel(self, asked: Asked, who: str) -> Judgement:
        """Like to withdraw, and what is in line can be taken back as well."""
        reasons = set()
        if who != asked.by:
            reasons.add("NotGranted")
        if asked.standing not in ("waits", "in line"):
            reasons.add("NotCancellable")
        after = "taken back" if asked.standing == "waits" else "cancelled"
        return Judgement(frozenset(reasons), lambda: self._set(asked, after))

    def deliver(self, asked: Asked, *, tampered: bool = False) -> Judgement:
        """A worker gets the message of this run, for the first time or once more."""
        if asked.standing != "in line" or self.stopped:
            return Judgement()
        if tampered or not self._holds(asked):
            return Judgement(then=lambda: self._set(asked, "stale"))

        def then() -> None:
            asked.standing = "done"
            self.effects.append(asked.amount)

        return Judgement(then=then)

    def replace_rules(self, rules: tuple[Rule, ...]) -> Judgement:
        """For what is asked from now on. Refused where too few could ever agree."""
        few = any(len(self._able(rule)) < rule.needed for rule in rules)
        reasons = {"ValidationError"} if few else set()
        return Judgement(frozenset(reasons), lambda: setattr(self, "rules", rules))

    def sweep(self) -> Judgement:
        def then() -> None:
            for asked in self.requests:
                if asked.late and asked.standing == "waits":
                    asked.standing = "expired"

        return Judgement(then=then)

    # --- The promises -------------------------------------------------------------------------

    def _why_not_ask(self, asked: Asked) -> frozenset[str]:
        reasons = set()
        if asked.by not in self.may_run or asked.by in self.closed:
            reasons.add("NotGranted")
        if self.stopped:
            reasons.add("TaskStopped")
        if any(len(place.asked) < place.rule.needed for place in asked.places):
            reasons.add("NobodyCanDecide")
        different = set().union(*(place.asked for place in asked.places))
        if len(different) < sum(p.rule.needed for p in asked.places if not p.rule.twice):
            reasons.add("NobodyCanDecide")
        return frozenset(reasons)

    def _why_not_answer(self, asked: Asked, who: str, shown: int) -> set[str]:
        reasons = set()
        if who in self.closed:
            reasons.add("NotEligible")
        if asked.standing != "waits" or asked.late:
            reasons.add("NotWaiting")
        if shown != asked.number:
            reasons.add("SomethingChanged")
        if who == asked.by:
            return reasons - {"SomethingChanged", "NotWaiting"} | {"OwnRequest"}
        if asked.standing == "waits":
            place = asked.places[asked.place()]
            before = [where for where, voter in asked.agreed if voter == who]
            if asked.place() in before or (before and not place.rule.twice):
                reasons.add("AlreadyDecided")
            elif not self.may_still(who, place):
                reasons.add("NotEligible")
        return reasons

    def _count(self, asked: Asked, who: str, verdict: str) -> None:
        if verdict == "reject":
            asked.standing = "rejected"
        elif verdict == "change":
            asked.standing = "returned"
        else:
            asked.agreed.append((asked.place(), who))
            asked.standing = "in line" if asked.is_complete() else "waits"

    def _holds(self, asked: Asked) -> bool:
        """Whether what was agreed to is what would run, and those who agreed still count."""
        as_asked = asked.code == self.code and asked.by in self.may_run - self.closed
        if not asked.places:
            return as_asked
        enough = all(
            sum(self.may_still(who, place) for who in asked.at(n)) >= place.rule.needed
            for n, place in enumerate(asked.places)
        )
        return as_asked and enough and asked.balance == self.balance

    # --- Facts --------------------------------------------------------------------------------

    def _able(self, rule: Rule) -> set[str]:
        return self.members[rule.group] - self.closed

    def _new(self, timeline: str, who: str, amount: int) -> Asked:
        rules = self.rules if amount > FREE else ()
        places = [Place(rule, frozenset(self._able(rule) - {who})) for rule in rules]
        number = len(self.requests) + 1
        return Asked(number, timeline, who, amount, self.code, self.balance, places)

    def _put(self, asked: Asked) -> None:
        asked.standing = "waits" if asked.places else "in line"
        self.requests.append(asked)

    def _set(self, asked: Asked, standing: str) -> None:
        asked.standing = standing
