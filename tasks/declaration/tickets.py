"""The ticket that a run belongs to: when a rule asks for its number, and what it has to look like."""

import re
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import quote

LONGEST: Final = 40
PLACE: Final = "{ticket}"

_GROUP: Final = re.compile(r"\((?:\?:)?([^()|]*)(?:\|[^()]*)?\)")
_PIECE: Final = re.compile(
    r"(?P<piece>\\d|\[[^]\\^]+\]|\\[^\w\s]|[^\\^$.|?*+()\[\]{}])"
    r"(?:\{(?P<times>\d+)(?:,\d*)?\}|(?P<sign>[+*?]))?",
    re.ASCII,
)


class AsksForTicket(Protocol):
    """A rule."""

    @property
    def ticket_pattern(self) -> str: ...


def asks_for_ticket(rules: Iterable[AsksForTicket]) -> bool:
    """Whether one of these rules wants to know the ticket."""
    return any(rule.ticket_pattern for rule in rules)


def problem_of_pattern(pattern: str) -> str:
    """What is wrong with a pattern; empty for one that can be used."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f"Not a valid pattern: {error}. Enter something like ^SUP-\\d+$."
    return ""


def problem_of_ticket(ticket: str, rules: Iterable[AsksForTicket]) -> str:
    """Why this ticket is not what the rules ask for; empty where it is, or none is asked for."""
    for rule in rules:
        if rule.ticket_pattern and not _fits(ticket, rule.ticket_pattern):
            return _what_is_wrong(ticket, rule.ticket_pattern)
    if len(ticket) > LONGEST:
        return f"A ticket number has at most {LONGEST} characters."
    return ""


def _what_is_wrong(ticket: str, pattern: str) -> str:
    example = example_of(pattern)
    if not ticket:
        return f"A ticket number is required{f', like {example}' if example else ''}."
    wrong = f"“{ticket[:LONGEST]}” is not a ticket number that this needs."
    return f"{wrong} Enter one like {example}." if example else wrong


def example_of(pattern: str) -> str:
    """A ticket that fits, such as SUP-123 for ^SUP-\\d+$. Empty for a pattern that is not so simple."""
    text = _GROUP.sub(r"\1", pattern.removeprefix("^").removesuffix("$"))
    pieces = list(_PIECE.finditer(text))
    example = "".join(map(_written_out, pieces))
    whole = "".join(piece[0] for piece in pieces) == text
    return example if whole and _fits(example, pattern) else ""


def _written_out(found: re.Match[str]) -> str:
    piece, sign = found["piece"], found["sign"]
    times = int(found["times"] or (3 if sign in ("+", "*") else 1))
    if piece in (r"\d", "[0-9]"):
        return ("1234567890" * times)[:times]
    return piece[1 if piece[0] in "[\\" else 0] * min(times, LONGEST)


def _fits(ticket: str, pattern: str) -> bool:
    """The whole ticket, in ASCII: nobody tells ٣ from 3 in an address, and one line is one ticket."""
    if not ticket or len(ticket) > LONGEST:
        return False
    return re.fullmatch(pattern, ticket, re.ASCII) is not None


def ticket_url(ticket: str, pattern: str) -> str:
    """The address of the ticket, where `TICKET_URL` says how it is made."""
    return pattern.replace(PLACE, quote(ticket, safe="")) if ticket else ""
