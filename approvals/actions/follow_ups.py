"""What becomes of a stage that nobody decides: its people are reminded, and others are asked."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.text import get_text_list

from approvals.models import ApprovalRequest, FollowUp, Stage
from approvals.notifications.notify import notify
from approvals.requests import policy, quorum
from approvals.requests.review_state import ReviewState
from approvals.requests.stuck import stuck_stages, what_to_do
from audit.texts.quoting import quoted
from audit.transitions import transition

if TYPE_CHECKING:
    from backoffice.models import User

Kind = FollowUp.Kind


def remind_due(*, door: str) -> int:
    """Tell those who may still decide that they are waited for. Once a stage; returns how many.

    The time is counted from the request, by the database's clock. A stage that is not asked yet is
    reminded of when its turn comes.
    """
    due = _due(Kind.REMINDED, "remind_after")
    return sum(_follow_up(stage, Kind.REMINDED, door) for stage in due)


def escalate_due(*, door: str) -> int:
    """Tell those who may decide from now on, and who asked. Once a stage; returns how many.

    Nobody is let in here: who may decide after which time stands in the rows of the reviewers since
    the request was opened. So a worker that is late delays the message, and not the right.
    """
    due = _due(Kind.ESCALATED, "escalate_after")
    return sum(_follow_up(stage, Kind.ESCALATED, door) for stage in due)


def notify_of_stuck(*, door: str) -> int:
    """Tell who requested it where nobody is left to decide a stage. Once a stage; returns how many.

    Its reviewers were deactivated, left the group or lost the permission: nobody joins later.
    """
    done = FollowUp.objects.filter(stage=OuterRef("pk"), kind=Kind.NOBODY)
    stuck = stuck_stages().filter(~Exists(done)).order_by("pk")
    return sum(_follow_up(stage, Kind.NOBODY, door) for stage in stuck)


def _due(kind: FollowUp.Kind, span: str) -> "QuerySet[Stage]":
    done = FollowUp.objects.filter(stage=OuterRef("pk"), kind=kind)
    return (
        policy.open_stages()
        .filter(~Exists(done), request__opened_at__lte=Now() - F(span))
        .order_by("pk")
    )


def _follow_up(due: Stage, kind: FollowUp.Kind, door: str) -> bool:
    with transition(by=None, door=door):
        # Looked at again under the lock: another sweep may have come first, or the last decision.
        request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=due.request_id)
        still = stuck_stages() if kind == Kind.NOBODY else policy.open_stages()
        if not still.filter(pk=due.pk).exists():
            return False
        _, is_new = FollowUp.objects.get_or_create(stage=due, kind=kind)
        if is_new and kind == Kind.REMINDED:
            _remind(request, due)
        elif is_new and kind == Kind.ESCALATED:
            _escalate(request, due)
        elif is_new:
            what = quoted(request.title)
            text = f"No reviewer is left, nobody can decide it: {what}. {what_to_do(request)}"
            _notify([request.requested_by], "request_stuck", due, text)
    return is_new


def _remind(request: ApprovalRequest, stage: Stage) -> None:
    people = quorum.waited_for(ReviewState.of(request), stage)
    text = f"Reminder, approval needed: {quoted(request.title)}"
    _notify(people, "request_reminder", stage, text, asks=True)


def _escalate(request: ApprovalRequest, stage: Stage) -> None:
    groups = get_text_list([group.name for group in stage.escalate_to.order_by("name")], "and")
    escalated = stage.reviewers.filter(on_behalf_of=None).exclude(not_before=None)
    late = set(escalated.values_list("person", flat=True))
    waited_for = quorum.waited_for(ReviewState.of(request), stage)
    asked = [person for person in waited_for if person.pk in late]
    text = f"Escalated to you, approval needed: {quoted(request.title)}"
    _notify(asked, "request_escalated", stage, text, asks=True)
    told = f"Escalated to {groups}: {quoted(request.title)}"
    _notify([request.requested_by], "request_escalated", stage, told)


def _notify(
    people: "Iterable[User]", event: str, stage: Stage, text: str, *, asks: bool = False
) -> None:
    occurrence = str(stage.position)
    notify(people, event=event, subject=stage.request, text=text, occurrence=occurrence, asks=asks)
