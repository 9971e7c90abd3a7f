"""Words and colours for what runs are and did."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django import template
from django.conf import settings
from django.utils import timezone

from approvals.models import Decision
from tasks.declaration import tickets
from tasks.declaration.durations import written
from tasks.models import Run
from tasks.rules.texts import either
from tasks.runs import revisions, texts

register = template.Library()
NAMED: Final = 10


@register.filter
def tone(status: str) -> str:
    """The colour of a run's status: waiting, busy, good, bad or quiet."""
    return texts.TONES.get(status, "quiet")


@register.filter
def tone_of_request(status: str) -> str:
    """The colour of an approval's status."""
    return texts.REQUEST_TONES.get(status, "quiet")


@register.filter
def what(run: Run) -> str:
    """The headline of a run where the task's name stands above it already."""
    return texts.what(run)


@register.filter
def ticket_url(ticket: str) -> str:
    """Where a ticket is read; empty where nobody has said."""
    return tickets.ticket_url(ticket, settings.TICKET_URL)


@register.filter
def wish(run: Run) -> Decision | None:
    """The answer that asked for changes to what this run would have done."""
    return revisions.wish_for(run)


@register.filter
def has_not_begun(run: Run) -> bool:
    """Whether its preview is still to be checked."""
    return run.status in (Run.Status.AWAITING_APPROVAL, Run.Status.QUEUED) and not run.attempt


@register.filter
def preview_title(run: Run) -> str:
    """The heading of what a run would change, by what became of it."""
    if not run.is_over:
        return "What will change"
    if run.status == Run.Status.SUCCEEDED:
        return "What changed"
    return "Planned changes" if run.attempt else "What would have changed"


@register.filter
def duration(run: Run) -> str:
    """How long a run has taken, or takes so far. Empty for one that has not begun."""
    if run.started_at is None:
        return ""
    return texts.length((run.finished_at or timezone.now()) - run.started_at)


@register.filter
def length_of(took: timedelta) -> str:
    """“3 min 5 s”, as for a run."""
    return texts.length(took)


@register.filter
def percent(run: Run) -> int:
    """How far a run has come."""
    return texts.percent(run)


@register.filter
def moment(at: datetime, precision: str = "minutes") -> str:
    """A time of today without its date, another with it; to the second if asked."""
    return texts.moment(at, seconds=precision == "seconds")


@register.filter
def ago(at: datetime) -> str:
    """“3 minutes ago”."""
    return texts.ago(at)


@register.filter
def item_state(state: str, run: Run) -> str:
    """What became of an item of a run."""
    return texts.item_state(state, run)


@register.filter
def tone_of_item(state: str, run: Run) -> str:
    """The colour of what became of an item."""
    return texts.tone_of_item(state, run)


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
    return either(names) or "nobody"
