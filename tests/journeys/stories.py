"""Journeys to draw: each leads to its end, unless a twist prevents it.

Steps that are drawn freely seldom get anywhere: most are refused, and what they would have broken is
never reached. So the way is given, a twist of each kind is put into it, and where, with whom, and what
else goes wrong is drawn.
"""

from typing import Final

from hypothesis import strategies as st

from tests.journeys.steps import (
    RULES,
    TOO_MANY,
    Agree,
    Answer,
    AnswerTooLate,
    Ask,
    AskAnew,
    BalanceMoves,
    Cancel,
    Close,
    Deliver,
    Deploy,
    GoneWhenItComes,
    Join,
    Leave,
    LoseRight,
    ReplaceRules,
    Step,
    Stop,
    TimeIsOver,
    Withdraw,
)

STORIES: Final = ("one", "two")
timeline = st.sampled_from(STORIES)
some = st.booleans()
group = st.sampled_from(["managers", "finance"])
anybody = st.sampled_from(["bob", "carol", "dave", "erin", "mallory", "root", "wilma"])
asker = st.sampled_from(["who asked", "alice", "bob"])
concerned = st.sampled_from(["who agreed", "who could", "who asked"])
wrong = st.sampled_from(["what the other story asks", "what was asked at first"])
against = st.sampled_from(["reject", "change"])

TWISTS: Final[dict[str, st.SearchStrategy[Step]]] = {
    "somebody answers their own request": st.builds(Answer, timeline, st.just("who asked")),
    "somebody answers twice": st.builds(Answer, timeline, st.just("who agreed")),
    "somebody else answers": st.builds(Answer, timeline, anybody, first=some),
    "somebody answers what they were not shown": st.builds(
        Answer, timeline, st.just("who could"), shown=wrong
    ),
    "somebody is against it": st.builds(Answer, timeline, st.just("who could"), against),
    "somebody is against it and does not say why": st.builds(
        Answer, timeline, st.just("who could"), against, reason=st.just(False)
    ),
    "it is asked anew": st.builds(AskAnew, timeline, asker, first=some, returned=some),
    "somebody else asks anew": st.builds(
        AskAnew, timeline, st.just("who did not ask"), returned=st.just(True)
    ),
    "somebody asks who may not": st.builds(Ask, timeline, st.sampled_from(["root", "mallory"])),
    "it is withdrawn": st.builds(Withdraw, timeline, asker),
    "it is cancelled": st.builds(Cancel, timeline, asker),
    "nobody decides in time": st.builds(TimeIsOver, timeline, swept=some),
    "somebody answers too late": st.builds(AnswerTooLate, timeline),
    "somebody leaves a group": st.builds(Leave, timeline, concerned, group, back=some),
    "somebody joins a group": st.builds(
        Join, timeline, st.sampled_from(["mallory", "erin"]), group
    ),
    "an account is closed": st.builds(Close, timeline, concerned, back=some),
    "who agreed is gone when it comes": st.builds(GoneWhenItComes, timeline),
    "who asked loses the right": st.builds(LoseRight, timeline),
    "the rules are replaced": st.builds(ReplaceRules, st.sampled_from(RULES)),
    "more have to agree than there are": st.builds(ReplaceRules, st.just(TOO_MANY)),
    "the task is stopped": st.builds(Stop, ended=some),
    "other code is deployed": st.builds(Deploy),
    "what it would change has changed": st.builds(BalanceMoves),
    "the message comes at another time": st.builds(Deliver, timeline, first=some),
    "the tables are changed behind the guards": st.builds(
        Deliver, timeline, tampered=st.just(True)
    ),
}


@st.composite
def way(draw: st.DrawFn, name: str) -> list[Step]:
    """Somebody asks, those who may agree, and the message comes, once too often."""
    who = draw(st.sampled_from(["alice", "bob"]))
    agreeing = [Agree(name, draw(st.integers(0, 3))) for _ in range(draw(st.integers(1, 3)))]
    small = draw(st.integers(1, 6)) == 6
    return [Ask(name, who, small), *agreeing, Deliver(name), Deliver(name)]


@st.composite
def journeys(draw: st.DrawFn, twist: str) -> list[Step]:
    """A way, or two that are mixed, with this twist, and sometimes others, between their steps."""
    mixed: list[Step] = []
    ways = [draw(way(name)) for name in STORIES[: draw(st.integers(1, 2))]]
    while ways := [each for each in ways if each]:
        mixed.append(draw(st.sampled_from(ways)).pop(0))
    others = draw(st.lists(st.sampled_from(sorted(TWISTS)), max_size=2))
    for each in (twist, *others):
        mixed.insert(draw(st.integers(0, len(mixed) - 1)), draw(TWISTS[each]))
    return mixed
