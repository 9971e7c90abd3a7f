"""Runs in words for people."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.formats import date_format

from approvals.models import ApprovalRequest
from tasks.models import Effect, Run, Settlement
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
    Status.AWAITING_APPROVAL: "It waits for somebody to approve it.",
    Status.QUEUED: "It waits for its turn, which comes within seconds.",
    Status.RUNNING: "It is running now.",
    Status.PAUSED: "It has paused, and goes on where it stopped when somebody says so.",
    Status.SUCCEEDED: "It is done.",
    Status.FAILED: "It failed.",
    Status.UNCERTAIN: "Nobody knows yet whether it happened.",
    Status.CANCELLED: "It was taken back before it began. Nothing was done.",
    Status.REJECTED: "It was rejected. Nothing was done.",
    Status.RETURNED: "Somebody asked for changes. Nothing was done.",
    Status.EXPIRED: "Nobody decided in time. Nothing was done.",
    Status.STALE: "It was out of date before it could begin. Nothing was done.",
}

# Of a run that had begun.
_STOPPED: Final[dict[str, str]] = {
    Status.EXPIRED: "It had paused, and nobody let it go on in time. What was done stays done.",
    Status.STALE: "It was out of date when it was to go on. What was done stays done.",
}


_NEXT: Final[dict[str, str]] = {
    Status.FAILED: (
        "It is not tried again by itself. If you can put right what it says, ask for it again; "
        "otherwise tell {owner}."
    ),
    Status.UNCERTAIN: (
        "Do not ask for it again yet: it would happen twice if it did happen. Tell {owner}, who "
        "can look it up."
    ),
    Status.RETURNED: "Who asked can change it and ask anew.",
    Status.EXPIRED: "If it is still needed, ask for it again and tell those who decide.",
    Status.STALE: "If it is still needed, ask for it again.",
}

_HALF_DONE: Final = (
    "Do not ask for the same again: what is done would be done a second time. Ask for what is left, "
    "or tell {owner}."
)

# What follows when a person has found out what became of an uncertain run.
FOLLOWS: Final[dict[str, str]] = {
    Settlement.Finding.GO_ON: (
        "The answer that the look-up found is recorded, and the run goes on with the steps after it."
    ),
    Settlement.Finding.HAPPENED: "The run ends as succeeded. Nothing more is done for it.",
    Settlement.Finding.DID_NOT: "The run ends as failed. What it has not done can be asked for again.",
    Settlement.Finding.SEND_AGAIN: (
        "The run is done again under the keys that it had. If it did happen after all, the other "
        "side finds it by the key and does nothing."
    ),
    Settlement.Finding.NEW_KEY: (
        "The run is done again under new keys. If it did happen after all, it happens twice."
    ),
}


def state_of(run: Run) -> str:
    """How a run stands, in a sentence."""
    if run.status == Status.QUEUED and run.due_at:
        return "It is tried again after a pause."
    if run.status == Status.QUEUED and run.queued_at and since(run.queued_at) > LONG_WAIT:
        return "It waits for its turn, longer than usual: the workers are busy, or none is running."
    if run.status == Status.CANCELLED and run.attempt:
        return "It was stopped while it ran. What it had done by then stays done."
    if run.attempt and run.status in _STOPPED:
        return _STOPPED[run.status]
    return STATES[run.status]


def item_state(state: str, run: Run) -> str:
    """What became of an item of a run. While it runs, an answer that is missing is on its way."""
    return "No answer yet" if _is_awaited(state, run) else Effect.State(state).label


def tone_of_item(state: str, run: Run) -> str:
    """The colour of what became of an item."""
    return "busy" if _is_awaited(state, run) else _ITEM_TONES[state]


def _is_awaited(state: str, run: Run) -> bool:
    return state == Effect.State.OPEN and run.status == Status.RUNNING


def what_next(run: Run, *, half_done: bool) -> str:
    """What a person can do about a run that did not end well. Empty for the others.

    `half_done` is what `ended_half_done` says of it.
    """
    if half_done:
        done = so_far(run)
        said = "" if done in run.error else f"{done} "  # above, in how it ended
        return said + _HALF_DONE.format(owner=run.task.owner)
    return _NEXT.get(run.status, "").format(owner=run.task.owner)


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
    """“today 14:03” or “3 Nov 2026, 14:03”, in the local zone."""
    local = timezone.localtime(at)
    clock = date_format(local, "H:i:s" if seconds else "H:i")
    if local.date() == timezone.localdate():
        return f"today {clock}"
    return f"{date_format(local, 'j M Y')}, {clock}"


def ago(at: datetime) -> str:
    """“just now”, “3 minutes ago”."""
    recent = timezone.now() - at < timedelta(minutes=1)
    return "just now" if recent else str(naturaltime(at))
