"""Lengths of time as people write them: “90 minutes”, “24 hours”, “3 days”."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Protocol

UNITS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
LONGEST: Final = timedelta(days=366)

_WRITTEN = re.compile(r"([1-9][0-9]{0,5})\s*(minute|hour|day)s?", re.ASCII)


class Timed(Protocol):
    """What says when a request expires, and when somebody is reminded or asked instead."""

    @property
    def expires_after(self) -> timedelta | None: ...
    @property
    def remind_after(self) -> timedelta | None: ...
    @property
    def escalate_after(self) -> timedelta | None: ...


def read_span(text: str) -> timedelta:
    """The length of time that is written. Raises ValueError, with what to write instead."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError(f"“{text}” is not a duration. Enter for example 4 hours, or 3 days.")
    span = int(written[1]) * UNITS[written[2]]
    if span > LONGEST:
        raise ValueError(f"“{text}” is longer than {LONGEST.days} days.")
    return span


def written(span: timedelta) -> str:
    """“3 days”, “36 hours”, “90 minutes”: in the largest unit of which it is a whole number."""
    for name, unit in reversed(UNITS.items()):
        number, rest = divmod(span, unit)
        if not rest:
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{span.total_seconds():g} seconds"


def problems_of_times(
    rule: Timed, *, default: timedelta, escalates: bool
) -> Iterator[tuple[str, str]]:
    """What is wrong with the times of a rule: the name of the time, and a sentence.

    `default` is when it expires where it does not say; `escalates` is whether it names groups.
    """
    for name in ("expires_after", "remind_after", "escalate_after"):
        span: timedelta | None = getattr(rule, name)
        if span is not None and not timedelta(0) < span <= LONGEST:
            yield name, f"Enter a duration of at most {LONGEST.days} days."
    expires = rule.expires_after or default
    for name, what in (("remind_after", "reminded"), ("escalate_after", "escalated")):
        span = getattr(rule, name)
        if span is not None and span >= expires:
            yield name, f"It would be {what} when it has expired: that is after {written(expires)}."
    if rule.escalate_after is not None and not escalates:
        yield "escalate_to", "Choose the groups to escalate to."
    if rule.escalate_after is None and escalates:
        yield "escalate_after", "Enter when to escalate to these groups."
