"""The ticket that a run belongs to: when a rule asks for its number, and what it has to look like."""

import re
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import quote

LONGEST: Final = 40
PLACE: Final = "{ticket}"


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
        return f"This is no pattern: {error}. Write something like ^SUP-\\d+$."
    return ""


def problem_of_ticket(ticket: str, rules: Iterable[AsksForTicket]) -> str:
    """Why this ticket is not what the rules ask for; empty where it is, or none is asked for."""
    for rule in rules:
        if rule.ticket_pattern and not _fits(ticket, rule.ticket_pattern):
            return _what_is_wrong(ticket, rule.ticket_pattern)
    if len(ticket) > LONGEST:
        return f"The number of a ticket has at most {LONGEST} characters."
    return ""


def _what_is_wrong(ticket: str, pattern: str) -> str:
    if not ticket:
        return f"Approval of this needs the number of a ticket, in the form {pattern}."
    return f"“{ticket[:LONGEST]}” is no number of a ticket: it has the form {pattern}."


def _fits(ticket: str, pattern: str) -> bool:
    """The whole ticket, in ASCII: nobody tells ٣ from 3 in an address, and one line is one ticket."""
    if not ticket or len(ticket) > LONGEST:
        return False
    return re.fullmatch(pattern, ticket, re.ASCII) is not None


def ticket_url(ticket: str, pattern: str) -> str:
    """The address of the ticket, where `TICKET_URL` says how it is made."""
    return pattern.replace(PLACE, quote(ticket, safe="")) if ticket else ""
