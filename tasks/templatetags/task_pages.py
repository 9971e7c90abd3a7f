"""Words and colours for what runs are and did."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django import template
from django.conf import settings
from django.utils import timezone

from approvals.models import Decision
from tasks import revising, tickets, wording
from tasks.models import Run
from tasks.spans import written

register = template.Library()
NAMED: Final = 10


@register.filter
def tone(status: str) -> str:
    """The colour of a run's status: waiting, busy, good, bad or quiet."""
    return wording.TONES.get(status, "quiet")


@register.filter
def tone_of_request(status: str) -> str:
    """The colour of an approval's status."""
    return wording.REQUEST_TONES.get(status, "quiet")


@register.filter
def what(run: Run) -> str:
    """The headline of a run where the task's name stands above it already."""
    return wording.what(run)


@register.filter
def ticket_url(ticket: str) -> str:
    """Where a ticket is read; empty where nobody has said."""
    return tickets.ticket_url(ticket, settings.TICKET_URL)


@register.filter
def wish(run: Run) -> Decision | None:
    """The answer that asked for changes to what this run would have done."""
    return revising.wish_for(run)


@register.filter
def duration(run: Run) -> str:
    """How long a run has taken, or takes so far. Empty for one that has not begun."""
    if run.started_at is None:
        return ""
    return wording.length((run.finished_at or timezone.now()) - run.started_at)


@register.filter
def percent(run: Run) -> int:
    """How far a run has come."""
    return wording.percent(run)


@register.filter
def moment(at: datetime, precision: str = "minutes") -> str:
    """A time of today without its date, another with it; to the second if asked."""
    return wording.moment(at, seconds=precision == "seconds")


@register.filter
def ago(at: datetime) -> str:
    """“3 minutes ago”."""
    return wording.ago(at)


@register.filter
def item_state(state: str, run: Run) -> str:
    """What became of an item of a run."""
    return wording.item_state(state, run)


@register.filter
def tone_of_item(state: str, run: Run) -> str:
    """The colour of what became of an item."""
    return wording.tone_of_item(state, run)


@register.filter
def span(time: timedelta) -> str:
    """“3 days”, “90 minutes”."""
    return written(time)


@register.filter
def listed(people: Sequence[object]) -> str:
    """“Alice or Bob”, “Alice, Bob and 4 more”, “nobody”."""
    names = [str(person) for person in people[:NAMED]]
    if (more := len(people) - NAMED) > 0:
        return f"{', '.join(names)} and {more} more"
    return wording.either(names) or "nobody"
