"""The timeline of a run: who requested it, who decided, what happened, in the order in which it did."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from approvals.models import Decision
from audit.history.formatting import door_label
from tasks.models import Resolution, Run
from tasks.runs.texts import TONES

type Version = Any  # a row of a history model, which simple_history makes without types

Status = Run.Status

_WHAT: Final[dict[str, str]] = {
    Status.AWAITING_APPROVAL: "Approval requested",
    Status.QUEUED: "Queued",
    Status.PAUSED: "Paused",
    Status.SUCCEEDED: "Finished",
    Status.FAILED: "Failed",
    Status.UNCERTAIN: "Outcome unknown",
    Status.CANCELLED: "Cancelled",
    Status.REJECTED: "Rejected",
    Status.RETURNED: "Changes requested",
    Status.EXPIRED: "Expired: nobody decided in time",
    Status.STALE: "Outdated: not run",
}
_VERDICTS: Final[dict[str, str]] = {
    Decision.Verdict.APPROVE: "good",
    Decision.Verdict.REJECT: "bad",
    Decision.Verdict.CHANGE: "waiting",
}
_FROM_TO: Final[dict[tuple[str, str], str]] = {
    (Status.PAUSED, Status.QUEUED): "Resumed",
    (Status.PAUSED, Status.CANCELLED): "Cancelled while paused",
    (Status.PAUSED, Status.EXPIRED): "Expired: nobody resumed it in time",
    (Status.UNCERTAIN, Status.QUEUED): "Queued again after investigation",
    (Status.AWAITING_APPROVAL, Status.CANCELLED): "Request withdrawn",
    (Status.RUNNING, Status.CANCELLED): "Cancelled while running",
}
# The database's hands, not a person's: what follows from a decision, and what a worker does.
_BY_ITSELF: Final = (
    Status.QUEUED,
    Status.RUNNING,
    Status.PAUSED,
    Status.STALE,
    Status.EXPIRED,
)
# What a person asks of a run while it runs: it moves later, by its worker's hand.
_WISHES: Final = {"cancel_asked_at": "Cancellation requested", "pause_asked_at": "Pause requested"}
_TOLD_BY_A_DECISION: Final = (Status.REJECTED, Status.RETURNED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `who` is empty where it followed by itself."""

    at: datetime
    what: str
    who: str = ""
    door: str = ""
    why: str = ""
    tone: str = "quiet"


def timeline_of(run: Run) -> list[Entry]:
    """What happened to a run, oldest first. Four queries, and one more each if it paused or was in doubt."""
    versions = list(run.history.order_by("history_id"))
    entries = [
        *_moves(run, versions),
        *_wishes(versions),
        *_decisions(run),
        *_undone(run),
        *_called(run),
    ]
    if any(entry.what == _WHAT[Status.UNCERTAIN] for entry in entries):
        entries += _proposed_changes(run)
    return sorted(entries, key=lambda entry: entry.at)


def _moves(run: Run, versions: list[Version]) -> Iterator[Entry]:
    paused = any(version.status == Status.PAUSED for version in versions)
    reasons = iter(run.pauses.values_list("why", flat=True) if paused else ())
    before = ""
    for version in versions:
        if not before:
            yield _asked(version)
        elif version.status != before and version.status not in _TOLD_BY_A_DECISION:
            move = _move(version, before)
            # One pause a move, written with it. The run does not keep the reason: it is no error.
            yield replace(move, why=next(reasons, "")) if version.status == Status.PAUSED else move
        before = version.status


def _wishes(versions: list[Version]) -> Iterator[Entry]:
    for before, version in pairwise(versions):
        for field, what in _WISHES.items():
            if getattr(version, field) not in (None, getattr(before, field)):
                yield _wish(version, what, version.history_change_reason or "")


def _wish(version: Version, what: str, why: str) -> Entry:
    """What a person wants, and what does not follow from it at once."""
    who, door = version.history_actor_label, door_label(version.history_door)
    return Entry(_at(version), what, who, door, why, "waiting")


def _asked(version: Version) -> Entry:
    waits = version.status == Status.AWAITING_APPROVAL
    return Entry(
        _at(version),
        "Approval requested" if waits else "Requested and queued",
        version.history_actor_label,
        door_label(version.door),
        version.reason,
        "waiting" if waits else "busy",
    )


def _move(version: Version, before: str) -> Entry:
    status = version.status
    resolved = before in (Status.UNCERTAIN, Status.PAUSED)
    by_hand = version.history_user_id is not None and (resolved or status not in _BY_ITSELF)
    return Entry(
        _at(version),
        _what(version, before),
        version.history_actor_label if by_hand else "",
        door_label(version.history_door) if by_hand else "",
        (version.history_change_reason or "") if by_hand else version.error,
        TONES.get(status, "quiet"),
    )


def _what(version: Version, before: str) -> str:
    if version.status == Status.RUNNING:
        return f"Started by worker {version.worker}"
    if found := _FROM_TO.get((before, version.status)):
        return found
    if version.status == Status.QUEUED and before != Status.AWAITING_APPROVAL:
        return "Queued to retry with the same keys"
    return _WHAT[version.status]


def _proposed_changes(run: Run) -> Iterator[Entry]:
    """What people who looked proposed, where others had to agree."""
    proposed = Resolution.history.filter(run=run.pk, history_type="+").exclude(approval=None)
    for version in proposed.order_by("history_id"):
        finding = Resolution.Finding(version.finding).label
        yield _wish(version, f"Investigated. Proposed resolution: {finding}", version.reason)


def _undone(run: Run) -> Iterator[Entry]:
    if run.status != Status.SUCCEEDED:
        return
    for undo in run.undone_by.select_related("requested_by"):
        who, door = str(undo.requested_by), door_label(undo.door)
        yield Entry(undo.requested_at, "Undo requested", who, door, undo.reason, "waiting")
        if undo.status == Status.SUCCEEDED and undo.finished_at:
            yield Entry(undo.finished_at, "Undone", who, door, tone="waiting")


def _called(run: Run) -> Iterator[Entry]:
    """The runs that its code has asked for."""
    for child in run.called.all():
        yield Entry(child.requested_at, f"Requested: {child.headline}", tone="busy")


def _decisions(run: Run) -> Iterator[Entry]:
    if run.approval_id is None:
        return
    keys = list(Decision.objects.filter(request=run.approval_id).values_list("pk", flat=True))
    for version in Decision.history.filter(id__in=keys).order_by("history_id") if keys else ():
        verdict = Decision.Verdict(version.verdict)
        yield Entry(
            _at(version),
            verdict.label,
            version.history_actor_label,
            door_label(version.door),
            version.reason,
            _VERDICTS[verdict],
        )


def _at(version: Version) -> datetime:
    # Both clocks are the database's: the order of two entries does not depend on ours.
    return version.recorded_at or version.history_date  # type: ignore[no-any-return]
