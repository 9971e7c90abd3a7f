"""A run that is asked for anew, changed: what it takes the place of, and what is different.

A request never changes. Who made it takes it back, or was asked for changes, and asks anew; no
earlier answer counts for the new one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from approvals.models import Decision
from audit.transitions import Refusal
from tasks import parameters
from tasks.models import Run, Task

if TYPE_CHECKING:
    from backoffice.models import User


class NotRevisable(Refusal):
    """This run cannot be asked for anew in changed form, or not by this person."""


def may_revise(run: Run, person: "User") -> bool:
    """Whether this person may change what they asked for: while it waits, or when it came back."""
    open_still = run.status in (Run.Status.AWAITING_APPROVAL, Run.Status.RETURNED)
    theirs = run.requested_by_id == person.pk and run.undoes_id is None
    return open_still and theirs and later(run) is None


def check_revisable(run: Run, *, task: Task, person: "User", taken_back: bool) -> None:
    """Raise `NotRevisable` unless this person may ask anew for this run, which is locked.

    `taken_back` says that its request waited, and was closed for this in the present transaction.
    """
    run.refresh_from_db()
    if run.requested_by_id != person.pk:
        raise NotRevisable("Only the requester can edit and resubmit this request.")
    if run.task_id != task.pk:
        raise NotRevisable(f"That was not a request for “{task}”.")
    if run.undoes_id:
        raise NotRevisable(
            "An undo follows from its run and cannot be edited. Withdraw the request instead."
        )
    if later(run):
        raise NotRevisable("You have already edited and resubmitted this request.")
    if run.status != Run.Status.RETURNED and not taken_back:
        state = run.get_status_display()
        raise NotRevisable(f"This request can no longer be edited. Its status is “{state}”.")


def later(run: Run) -> Run | None:
    """The run that was asked for instead of this one."""
    return Run.objects.filter(revises=run).first()


def wish_for(run: Run) -> Decision | None:
    """The answer that asked for changes."""
    if run.approval_id is None:
        return None
    asked = Decision.objects.filter(request=run.approval_id, verdict=Decision.Verdict.CHANGE)
    return asked.select_related("decided_by").first()


def revisions_of(run: Run) -> list[Run]:
    """The run with all that it came from and that came of it, oldest first; empty for one alone."""
    chain = [*reversed([*_earlier(run)]), run, *_later(run)]
    return chain if len(chain) > 1 else []


def revision_shown(run: Run, old: Run, declared: list[parameters.Parameter]) -> dict[str, Any]:
    """What those who decide are shown of the difference between this run and the old one."""
    wish = wish_for(old)
    return {
        "number": 2 + sum(1 for _ in _earlier(old)),
        "by": str(wish.decided_by) if wish else "",
        "wish": wish.reason if wish else "",
        "changes": _changes(run, old, declared),
    }


def _changes(run: Run, old: Run, declared: list[parameters.Parameter]) -> list[list[str]]:
    # Apart, since a parameter may be called as the reason is.
    values = (dict(parameters.display(declared, each.values)) for each in (old, run))
    return [*_differences(*values), *_differences(_said(old), _said(run))]


def _differences(before: dict[str, str], after: dict[str, str]) -> list[list[str]]:
    labels = [*after, *(label for label in before if label not in after)]
    pairs = ((label, before.get(label, ""), after.get(label, "")) for label in labels)
    return [[label, was, now] for label, was, now in pairs if was != now]


def _said(run: Run) -> dict[str, str]:
    ticket = {"Ticket": run.ticket} if run.ticket else {}
    return {"Reason for the request": run.reason} | ticket


def _earlier(run: Run) -> Iterator[Run]:
    while run.revises:
        run = run.revises
        yield run


def _later(run: Run) -> Iterator[Run]:
    while found := later(run):
        run = found
        yield run
