"""What a person makes of an uncertain run, after a look at the other side."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

from audit.transitions import Refusal, transition
from tasks.access import Right, require
from tasks.actions.effects import sent_too_long_ago
from tasks.models import Run
from tasks.moves import end, locked, put_in_line

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status


class Finding(models.TextChoices):
    """What was found on the other side."""

    HAPPENED = "happened", "It happened: record it as done"
    DID_NOT = "did_not", "It did not happen, and is not to be tried again"
    SEND_AGAIN = "again", "It did not happen: send it again under the same key"


class NotSettled(Refusal):
    """This person may not settle this run, or not in this way."""


def settle_run(
    run_id: UUID | str, *, finding: Finding | str, by: "User", door: str, reason: str
) -> Run:
    """Write down what somebody who looked has found out about an uncertain run.

    For people who administer the task, other than the one who asked. Raises `NotSettled`, or
    `NotGranted` for everybody else.
    """
    subject = Run.objects.select_related("task").get(pk=run_id)
    with transition(by=by, door=door, subject=subject, reason=reason.strip()):
        require(by, Right.CHANGE, subject.task)
        run = locked(Run.objects.filter(pk=run_id)).annotate(now=Now()).get()
        _check(run, Finding(finding), by, reason)
        if finding == Finding.SEND_AGAIN:
            put_in_line(run, now=run.now)
        else:
            _close(run, Finding(finding), reason.strip())
    return run


def _check(run: Run, finding: Finding, by: "User", reason: str) -> None:
    if run.status != Status.UNCERTAIN:
        state = run.get_status_display().lower()
        raise NotSettled(f"This run is not uncertain any more. It is {state}.")
    if run.requested_by_id == by.pk:
        raise NotSettled("You asked for this yourself: somebody else has to look.")
    if not reason.strip():
        raise NotSettled("Say what you have looked at and found: it is kept in the history.")
    if finding == Finding.SEND_AGAIN and not may_send_again(run):
        raise NotSettled(
            "It cannot be sent again under its key: the task does not allow it, or the key is "
            "older than 23 hours and may be forgotten. Close it, and ask for a new run."
        )


def may_send_again(run: Run) -> bool:
    """Whether a person may have it sent again under the keys it has."""
    return run.task.idempotent and not sent_too_long_ago(run)


def _close(run: Run, finding: Finding, reason: str) -> None:
    happened = finding == Finding.HAPPENED
    if happened:
        run.output = {"kind": "text", "text": f"Recorded by a person who looked: {reason}"}
        run.error = ""
    end(run, Status.SUCCEEDED if happened else Status.FAILED, at=run.now)  # type: ignore[attr-defined]
