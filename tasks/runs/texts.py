"""Runs in words for people."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.formats import date_format

from approvals.models import ApprovalRequest
from tasks.models import Effect, Resolution, Run
from tasks.runs.partial import so_far

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status

TONES: Final[dict[str, str]] = {
    Status.AWAITING_APPROVAL: "waiting",
    Status.QUEUED: "busy",
    Status.RUNNING: "busy",
    Status.PAUSED: "waiting",
    Status.SUCCEEDED: "good",
    Status.FAILED: "bad",
    Status.UNCERTAIN: "bad",
    Status.REJECTED: "bad",
    Status.RETURNED: "waiting",
    Status.STALE: "waiting",
}

REQUEST_TONES: Final[dict[str, str]] = {
    ApprovalRequest.Status.PENDING: "waiting",
    ApprovalRequest.Status.APPROVED: "good",
    ApprovalRequest.Status.REJECTED: "bad",
    ApprovalRequest.Status.RETURNED: "waiting",
    ApprovalRequest.Status.STALE: "waiting",
}

_ITEM_TONES: Final[dict[str, str]] = {
    Effect.State.DONE: "good",
    Effect.State.REFUSED: "bad",
    Effect.State.OPEN: "bad",
    Effect.State.NOT_BEGUN: "quiet",
}
LONG_WAIT: Final = timedelta(minutes=1)  # in the queue
FIRST_ESTIMATE: Final = timedelta(seconds=5)  # after the start: before it, any pace is a guess

STATES: Final[dict[str, str]] = {
    Status.AWAITING_APPROVAL: "Waiting for a reviewer.",
    Status.QUEUED: "Starts within seconds.",
    Status.RUNNING: "",
    Status.PAUSED: "Waiting for somebody to resume it.",
    Status.SUCCEEDED: "",
    Status.FAILED: "",
    Status.UNCERTAIN: "It may have happened. Somebody has to check.",
    Status.CANCELLED: "Cancelled before it started. Nothing was done.",
    Status.REJECTED: "Nothing was done.",
    Status.RETURNED: "Nothing was done.",
    Status.EXPIRED: "Nobody decided in time. Nothing was done.",
    Status.STALE: "Something changed after approval. Nothing was done.",
}

# Of a run that had begun.
_STOPPED: Final[dict[str, str]] = {
    Status.EXPIRED: "Nobody resumed it in time. What was done stays done.",
    Status.STALE: "Something changed while it was paused. What was done stays done.",
}


_NEXT: Final[dict[str, str]] = {
    Status.FAILED: (
        "It is not retried automatically. Fix what the error says and request it again, or contact "
        "{owner}."
    ),
    Status.UNCERTAIN: (
        "Do not request it again yet: it could happen twice. Contact {owner}, who can look it up."
    ),
    Status.RETURNED: "{requester} can edit and resubmit this request.",
    Status.EXPIRED: "If you still need it, request it again and tell the reviewers.",
    Status.STALE: "If you still need it, request it again.",
}

_HALF_DONE: Final = (
    "Do not request the same again: what is done would be done twice. Request only what is left, "
    "or contact {owner}."
)

# What follows when a person has found out what became of an uncertain run.
FOLLOWS: Final[dict[str, str]] = {
    Resolution.Finding.GO_ON: (
        "The result of the look-up is recorded, and the run continues with the remaining steps."
    ),
    Resolution.Finding.HAPPENED: "The run ends as succeeded. Nothing more is done.",
    Resolution.Finding.DID_NOT: "The run ends as failed. You can request what is left.",
    Resolution.Finding.SEND_AGAIN: (
        "The run is retried with its existing keys. If it did happen after all, the external system "
        "recognises the key and does nothing."
    ),
    Resolution.Finding.NEW_KEY: (
        "The run is retried with new keys. If it did happen after all, it happens twice."
    ),
}


def state_of(run: Run) -> str:
    """How a run stands, in a sentence."""
    if run.status == Status.QUEUED and run.due_at:
        return "Retrying later."
    if run.status == Status.QUEUED and run.queued_at and since(run.queued_at) > LONG_WAIT:
        return "Queued longer than usual: all workers are busy, or none is running."
    if run.status == Status.CANCELLED and run.attempt:
        return "Cancelled while it ran. What was done stays done."
    if run.attempt and run.status in _STOPPED:
        return _STOPPED[run.status]
    return STATES[run.status]


def item_state(state: str, run: Run) -> str:
    """What became of an item of a run. While it runs, an answer that is missing is on its way."""
    return "In progress" if _is_awaited(state, run) else Effect.State(state).label


def tone_of_item(state: str, run: Run) -> str:
    """The colour of what became of an item."""
    return "busy" if _is_awaited(state, run) else _ITEM_TONES[state]


def _is_awaited(state: str, run: Run) -> bool:
    return state == Effect.State.OPEN and run.status == Status.RUNNING


def what_next(run: Run, viewer: "User", *, half_done: bool) -> str:
    """What a person can do about a run that did not end well. Empty for the others.

    `half_done` is what `ended_half_done` says of it.
    """
    if half_done:
        done = so_far(run)
        said = "" if done in run.error else f"{done} "  # above, in how it ended
        return said + _HALF_DONE.format(owner=run.task.owner)
    requester = whose(run.requested_by, viewer)
    return _NEXT.get(run.status, "").format(owner=run.task.owner, requester=requester)


def what(run: Run) -> str:
    """The headline without the name of the task, unless that is all there is."""
    return run.headline.removeprefix(f"{run.task}: ")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, without the line breaks that its editor put in.

    A list, whose lines begin with a hyphen or an asterisk, keeps its lines.
    """
    found = (part.strip() for part in text.split("\n\n"))
    return [
        part if part.startswith(("- ", "* ")) else " ".join(part.split()) for part in found if part
    ]


def whose(person: "User", viewer: "User") -> str:
    """A name at the beginning of a sentence, which is “You” for oneself."""
    return "You" if person.pk == viewer.pk else str(person)


def percent(run: Run) -> int:
    """How far a run has come. 100 not before it has said that all is done."""
    return min(100, 100 * run.steps_done // run.steps_total) if run.steps_total else 0


def time_left(run: Run) -> str:
    """“about 3 minutes left”, if it goes on as it did so far. Empty while nobody can tell."""
    if run.status != Status.RUNNING or not run.started_at or not run.steps_total:
        return ""
    took = since(run.started_at)
    if took < FIRST_ESTIMATE or not 2 <= run.steps_done < run.steps_total:
        return ""
    return f"{_about(took * (run.steps_total / run.steps_done - 1))} left"


def since(at: datetime) -> timedelta:
    """How long ago it was."""
    return timezone.now() - at


def _about(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return "about a minute" if minutes == 1 else f"about {minutes} minutes"
    return f"about {round(minutes / 60)} hours"


def length(took: timedelta) -> str:
    """“under 0.1 s”, “0.4 s”, “12 s”, “3 min 5 s”, “2 h 10 min”."""
    seconds = took.total_seconds()
    if seconds < 0.05:
        return "under 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def moment(at: datetime, *, seconds: bool = False) -> str:
    """“today 14:03 CET” or “3 Nov 2026, 14:03 CET”, in the reader's zone."""
    local = timezone.localtime(at)
    clock = date_format(local, "H:i:s T" if seconds else "H:i T")
    if local.date() == timezone.localdate():
        return f"today {clock}"
    return f"{date_format(local, 'j M Y')}, {clock}"


def ago(at: datetime) -> str:
    """“just now”, “3 minutes ago”."""
    recent = timezone.now() - at < timedelta(minutes=1)
    return "just now" if recent else str(naturaltime(at))
