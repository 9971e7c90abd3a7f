"""What somebody has proposed for a task, on the page of its settings, and what is said of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from approvals.requests.policy import visible_to
from approvals.requests.quorum import still_reviewers
from tasks.access.administrators import administrators
from tasks.actions.changes.proposed_changes import may_act_alone, open_proposed_changes, title_of
from tasks.models import ProposedChange, Task
from tasks.rules.texts import either

if TYPE_CHECKING:
    from uuid import UUID

    from backoffice.models import User


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits, and who could agree to it."""

    proposed_change: ProposedChange
    title: str
    people: str
    may_open: bool


def waiting(task: Task | None, viewer: "User", **content: int) -> list[Waiting]:
    """What waits for an answer, oldest first; of people and groups what says this."""
    found = open_proposed_changes(task)
    proposed_changes = [each for each in found if content.items() <= each.content.items()]
    visible = set(visible_to(viewer).values_list("pk", flat=True)) if proposed_changes else set()
    return [
        Waiting(each, title_of(each), who_decides(each), each.approval_id in visible)
        for each in proposed_changes
    ]


def who_decides(proposed_change: ProposedChange) -> str:
    """The people who could agree to it now, or that there are none."""
    if proposed_change.approval_id is None:
        return ""
    return either(sorted(map(str, _reviewers(proposed_change.approval_id)))) or "nobody"


def _reviewers(request_id: "UUID") -> "list[User]":
    people = still_reviewers(request_id).values("person")
    return list(get_user_model().objects.filter(pk__in=people))


def how_many_agree(task: Task, viewer: "User") -> str:
    """What a change of this task takes, for who is about to make one."""
    if may_act_alone(task, viewer):
        return (
            "You are the only task administrator so far, so your change takes effect at once. "
            "When there is a second one, changes need their approval."
        )
    others = administrators(task).exclude(pk=viewer.pk)
    if others.exists():
        names = either(sorted(map(str, others[:5])))
        return f"Changes need approval from another task administrator: {names}."
    return (
        "Changes need approval from a second task administrator, and you are the only one. Whoever "
        "operates the server can add one: manage.py administrator NAME --reason TEXT."
    )


def say(request: HttpRequest, proposed_change: ProposedChange, *, made: str) -> None:
    """Tell who has proposed a change whether it was made, or for whom it waits."""
    if proposed_change.applied_at:
        messages.success(request, made)
    else:
        people = who_decides(proposed_change)
        messages.info(
            request,
            f"Submitted for approval: {title_of(proposed_change)}. It takes effect when {people} approves "
            "it.",
        )
