"""What the pages on which somebody answers a request have in common."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

from approvals import actions
from approvals.models import ApprovalRequest, Decision
from audit.pages import person_of

if TYPE_CHECKING:
    from audit.context import Door

Verdict = Decision.Verdict


def session_of(request: HttpRequest) -> str:
    """The session in which a proof counts. Empty when there is none."""
    return request.session.session_key or ""


def prove_if_given(request: HttpRequest, *, door: "Door") -> None:
    """Check the password that was typed in with an approval. Raises `NotProved`."""
    password = request.POST.get("password", "")
    if password and request.POST.get("verdict") == Verdict.APPROVE:
        person = person_of(request)
        actions.prove_by_password(person, password, session=session_of(request), door=door)


def said(request: ApprovalRequest, verdict: str) -> str:
    """What the person is told who has just answered."""
    if verdict == Verdict.REJECT:
        return f"You have rejected “{request}”. {request.requested_by} reads your reason."
    if verdict == Verdict.CHANGE:
        return f"You have asked for changes to “{request}”. {request.requested_by} reads which."
    if request.status == ApprovalRequest.Status.PENDING:
        return f"You have approved “{request}”. It still waits for others."
    if request.status == ApprovalRequest.Status.STALE:
        return f"You have approved “{request}”, but it was out of date: nothing was done."
    return f"You have approved “{request}”. It goes ahead."
