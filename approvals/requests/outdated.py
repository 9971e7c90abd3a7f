"""Requests that wait in vain: what would run is not what was requested any more."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from approvals.models import ApprovalRequest
from approvals.signals import outdated_wanted
from audit.transitions import Refusal


class Outdated(Refusal):
    """What would run is not what was requested any more: to approve it would do nothing."""


def why_outdated(requests: Iterable[ApprovalRequest]) -> dict[UUID, str]:
    """By their keys, those of the requests that nobody can approve any more, and why."""
    waiting = [each for each in requests if each.status == ApprovalRequest.Status.PENDING]
    if not waiting:
        return {}
    answers: Sequence[Any] = outdated_wanted.send(sender=ApprovalRequest, requests=waiting)
    return {key: why for _, answer in answers for key, why in answer.items()}


def check_not_outdated(request: ApprovalRequest) -> None:
    """Raise `Outdated` where an approval would come to nothing."""
    if why := why_outdated([request]).get(request.pk):
        raise Outdated(
            f"{why} Approving it would do nothing. Reject it, or contact {request.requested_by}, "
            "who can withdraw it and request it again."
        )
