"""The ticket that a run belongs to: when a rule asks for its number, and what it has to look like."""

import re
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import quote

from tasks.declaration.patterns import Pattern, WrongPattern

LONGEST: Final = 40
PLACE: Final = "{ticket}"


class NeedsTicket(Protocol):
    """A rule."""

    @property
    def ticket_pattern(self) -> str: ...


def needs_ticket(rules: Iterable[NeedsTicket]) -> bool:
    """Whether one of these rules wants to know the ticket."""
    return any(rule.ticket_pattern for rule in rules)


def problem_of_pattern(pattern: str) -> str:
    """What is wrong with a pattern; empty for one that can be used."""
    try:
        Pattern(pattern)
    except WrongPattern as error:
        return f"Not a valid pattern: {error}. Enter something like ^SUP-\\d+$."
    return ""


def problem_of_ticket(ticket: str, rules: Iterable[NeedsTicket]) -> str:
    """Why this ticket is not what the rules ask for; empty where it is, or none is asked for."""
    for rule in rules:
        if rule.ticket_pattern and not _fits(ticket, rule.ticket_pattern):
            return _what_is_wrong(ticket, rule.ticket_pattern)
    if len(ticket) > LONGEST:
        return f"A ticket number has at most {LONGEST} characters."
    return ""


def _what_is_wrong(ticket: str, pattern: str) -> str:
    if not ticket:
        return f"A ticket number is required, {_like(pattern)}."
    example = example_of(pattern)
    enter = f"one like {example}" if example else "it in the ticket format of this rule"
    return f"“{ticket[:LONGEST]}” is not a valid ticket number. Enter {enter}."


def help_for_ticket(rules: Iterable[NeedsTicket]) -> str:
    """What to type: “A ticket number such as SUP-4711.”"""
    patterns = dict.fromkeys(rule.ticket_pattern for rule in rules if rule.ticket_pattern)
    return f"A ticket number {' or '.join(map(_like, patterns))}. Reviewers see it too."


def example_in_words(pattern: str) -> str:
    """“a ticket number such as SUP-4711”: a pattern is for those who write rules, not for others."""
    return f"a ticket number {_like(pattern)}"


def _like(pattern: str) -> str:
    example = example_of(pattern)
    return f"such as {example}" if example else "in the ticket format of this rule"


def example_of(pattern: str) -> str:
    """A ticket that fits a simple pattern: fixed text, digits and letters. Empty for any other."""
    rest, example = pattern.removeprefix("^").removesuffix("$"), ""
    while rest:
        part = _PART.match(rest)
        if part is None:
            return ""
        example += _sample(part)
        rest = rest[part.end() :]
    return example if _fits(example, pattern) else ""


_PART = re.compile(
    r"""(?:(?P<digit>\\d|\[0-9\])|(?P<upper>\[A-Z\]|\[A-Z0-9\])|(?P<lower>\[a-z\]|\[a-z0-9\])
    |(?P<text>\\[^A-Za-z0-9\s]|[^\\^$.|?*+()\[\]{}]))
    (?P<many>[+*?]|\{(?P<least>\d{1,2})(?P<to>,(?P<most>\d{0,2}))?\})?""",
    re.VERBOSE | re.ASCII,
)
_SAMPLES: Final = {"digit": "4711", "upper": "ABC", "lower": "abc"}


def _sample(part: re.Match[str]) -> str:
    kind = next((name for name in _SAMPLES if part[name]), "")
    sample = _SAMPLES[kind] if kind else part["text"].removeprefix("\\")
    number = _how_many(part, usual=len(sample))
    return (sample * (number // len(sample) + 1))[:number]


def _how_many(part: re.Match[str], *, usual: int) -> int:
    if part["many"] is None or part["many"] == "?":
        return 1
    if part["least"] is None:
        return usual
    least = int(part["least"])
    if part["to"] is None:
        return least
    return max(least, min(usual, int(part["most"] or usual)))


def _fits(ticket: str, pattern: str) -> bool:
    """The whole ticket: for RE2 \\d and \\w are of ASCII, and nobody tells ٣ from 3 in an address.

    None fits a pattern that cannot be read any more: rules fail closed.
    """
    if not ticket or len(ticket) > LONGEST:
        return False
    try:
        return Pattern(pattern).fits(ticket)
    except WrongPattern:
        return False


def ticket_url(ticket: str, pattern: str) -> str:
    """The address of the ticket, where `TICKET_URL` says how it is made."""
    return pattern.replace(PLACE, quote(ticket, safe="")) if ticket else ""
