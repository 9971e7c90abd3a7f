"""Approving several like requests of the inbox: each is shown, checked, sealed and recorded by itself."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from approvals import actions
from approvals.admin.answering import prove_if_given, session_of
from approvals.models import ApprovalRequest, Decision
from approvals.requests.explanation import Explained, explain
from approvals.requests.inbox import alike
from approvals.requests.policy import to_decide, visible_to
from approvals.requests.proofs import NotProved
from audit.admin.pages import page, person_of
from audit.admin.unsent import take
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

logger = logging.getLogger(__name__)

MOST: Final = 25  # as many as stand on a page of the inbox
INBOX: Final = "admin:approvals_approvalrequest_changelist"
APPROVE: Final = Decision.Verdict.APPROVE
FAULT: Final = "This could not be recorded. The error has been logged."
NOT_HERE: Final = "You are not an eligible reviewer of this request."


@dataclass(frozen=True)
class Outcome:
    """What became of one of them."""

    title: str
    request: ApprovalRequest | None
    said: str
    approved: bool


def urls(site: AdminSite) -> list[URLPattern]:
    """The address below those of the inbox."""
    return [path("approve-several/", site.admin_view(several), name="approvals_several")]


@require_http_methods(["GET", "HEAD", "POST"])
def several(request: HttpRequest) -> HttpResponse:
    """Show what each of the chosen requests would do; with its form, approve what it has shown."""
    if request.method == "POST":
        return _approve(request)
    chosen = _chosen(person_of(request), request.GET.getlist("request"))
    if problem := _why_not_together(chosen):
        messages.warning(request, problem)
        return redirect(INBOX)
    unsent = take(request, request.path)
    return _page(request, chosen, reason=unsent.get("reason", "") if unsent else "")


def _approve(request: HttpRequest) -> HttpResponse:
    shown = _shown(request.POST.getlist("shown"))
    if request.POST.get("verdict") != APPROVE or not shown or len(shown) > MOST:
        return HttpResponseBadRequest("Go back to the inbox, and select requests to approve.")
    person, reason = person_of(request), request.POST.get("reason", "")
    found = visible_to(person).in_bulk(shown)
    if len({alike(each) for each in found.values()}) > 1:
        return HttpResponseBadRequest("Go back to the inbox, and select requests of one task.")
    try:
        prove_if_given(request, APPROVE, Door.ADMIN)
    except NotProved as refusal:
        chosen = _chosen(person, map(str, shown))
        return _page(request, chosen, status=403, reason=reason, unproved=str(refusal))
    outcomes = [
        _approved(found.get(key), person, seal, reason, session_of(request))
        for key, seal in shown.items()
    ]
    return page(
        request,
        "approvals/several_outcome.html",
        title="Approved requests",
        outcomes=outcomes,
        approved=sum(outcome.approved for outcome in outcomes),
    )


def _approved(
    request: ApprovalRequest | None, person: "User", seal: str, reason: str, session: str
) -> Outcome:
    """Approve one of them, as its own page does. What goes wrong with it stops none of the others."""
    if request is None:
        return Outcome("A request", None, NOT_HERE, approved=False)
    try:
        decided = actions.decide(
            request.pk,
            decided_by=person,
            verdict=APPROVE,
            seal=seal,
            door=Door.ADMIN,
            reason=reason,
            session=session,
        )
    except Refusal as refusal:
        return Outcome(request.title, request, str(refusal), approved=False)
    except Exception:
        logger.exception("The approval of request %s could not be recorded", request.pk)
        return Outcome(request.title, request, FAULT, approved=False)
    waits = decided.status == ApprovalRequest.Status.PENDING
    said = "Approved. It needs more approvals." if waits else "Approved."
    return Outcome(request.title, decided, said, approved=True)


def _shown(sent: Iterable[str]) -> Mapping[UUID, str]:
    """The requests that the page showed, each with the seal of what it showed."""
    shown = {}
    for each in sent:
        key, _, seal = each.partition(":")
        try:
            shown[UUID(key)] = seal
        except ValueError:
            return {}
    return shown


def _chosen(person: "User", keys: Iterable[str]) -> list[ApprovalRequest]:
    """Those of these requests that wait for this person, oldest first."""
    known = _shown(keys)
    found = to_decide(person).filter(pk__in=list(known)).select_related("requested_by")
    return list(found.order_by("opened_at", "pk"))


def _why_not_together(chosen: Sequence[ApprovalRequest]) -> str:
    if not chosen:
        return "Select one or more requests that need your review."
    if len(chosen) > MOST:
        return f"Select up to {MOST} requests."
    if len({alike(each) for each in chosen}) > 1 or not alike(chosen[0]):
        return "Select requests of one task. Others are reviewed one by one."
    return ""


def _page(
    request: HttpRequest, chosen: Sequence[ApprovalRequest], *, status: int = 200, **form: str
) -> HttpResponse:
    person, now, session = person_of(request), database_now(), session_of(request)
    explained = [explain(each, person, now=now, session=session) for each in chosen]
    return page(
        request,
        "approvals/several.html",
        title="Approve requests",
        status=status,
        pages=explained,
        ready=[each for each in explained if _is_ready(each)],
        needs_proof=any(each.needs_proof for each in explained),
        form=form,
    )


def _is_ready(explained: Explained) -> bool:
    return explained.waits and explained.objection is None and not explained.outdated
