"""Answering a request on a page: what the doors with a form have in common."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from approvals import actions
from approvals.models import ApprovalRequest, Decision
from approvals.requests.policy import ReasonMissing
from approvals.requests.proofs import NotProved, ProofMissing
from audit.admin.pages import person_of
from audit.transitions import Refusal

if TYPE_CHECKING:
    from audit.context import Door

Verdict = Decision.Verdict


def session_of(request: HttpRequest) -> str:
    """The session in which a proof counts. Empty when there is none."""
    return request.session.session_key or ""


def answered(
    request: HttpRequest,
    *,
    door: "Door",
    decide: Callable[..., ApprovalRequest],
    again: Callable[..., HttpResponse],
) -> ApprovalRequest | HttpResponse:
    """Give the answer that a page's form was sent with: the request as decided, or what to show.

    `decide` is called with the answer. `again` makes the page anew, with a status and what the form
    holds and says: nothing that was typed is lost, but a password.
    """
    verdict, reason = request.POST.get("verdict"), request.POST.get("reason", "")
    if verdict not in Verdict.values:
        return HttpResponseBadRequest("Go back, and choose Approve, Reject or Request changes.")
    try:
        prove_if_given(request, verdict, door)
        decided = decide(
            decided_by=person_of(request),
            verdict=verdict,
            reason=reason,
            session=session_of(request),
        )
    except ReasonMissing as refusal:
        return again(status=400, reason=reason, problem=str(refusal))
    except (NotProved, ProofMissing) as refusal:
        return again(status=403, reason=reason, unproved=str(refusal))
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return again(status=403, reason=reason)
    messages.success(request, _said(decided, verdict))
    return decided


def prove_if_given(request: HttpRequest, verdict: str, door: "Door") -> None:
    """Check the password that came with an approval. Raises `NotProved` where it is wrong."""
    password = request.POST.get("password", "")
    if password and verdict == Verdict.APPROVE:
        person = person_of(request)
        actions.prove_by_password(person, password, session=session_of(request), door=door)


def _said(request: ApprovalRequest, verdict: str) -> str:
    if verdict == Verdict.REJECT:
        return f"You rejected “{request}”. {request.requested_by} is notified of your reason."
    if verdict == Verdict.CHANGE:
        return f"You requested changes to “{request}”. {request.requested_by} is notified."
    if request.status == ApprovalRequest.Status.PENDING:
        return f"You approved “{request}”. It needs more approvals."
    if request.status == ApprovalRequest.Status.STALE:
        return f"You approved “{request}”, but it was outdated. Nothing was done."
    return f"You approved “{request}”. It needs no more approvals."
