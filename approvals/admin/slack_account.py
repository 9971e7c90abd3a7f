"""The page on which a person links their Slack account, and ends the link."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from approvals import actions, channels
from approvals.admin.answering import session_of
from approvals.channels.base import SLACK
from approvals.channels.slack.accounts import link_of
from approvals.models.deliveries import SlackLink
from approvals.requests.proofs import NotProved, ProofMissing, fresh_proof
from approvals.slack_app.linking import request_confirmation
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below those of the inbox."""
    view = site.admin_view
    return [
        path("notification_settings/slack/", view(shown), name="approvals_slack"),
        path("notification_settings/slack/link/", view(link), name="approvals_slack_link"),
        path("notification_settings/slack/end/", view(end), name="approvals_slack_end"),
    ]


@require_safe
@never_cache
def shown(request: HttpRequest) -> HttpResponse:
    """Which Slack account decides as this person, if any."""
    _must_be_in_use()
    return _page(request)


@require_POST
def link(request: HttpRequest) -> HttpResponse:
    """Ask the Slack account with this person's address whether it is theirs."""
    _must_be_in_use()
    person, session = person_of(request), session_of(request)
    try:
        if password := request.POST.get("password", ""):
            actions.prove_by_password(person, password, session=session, door=Door.ADMIN)
        request_confirmation(person, session=session, door=Door.ADMIN)
    except (NotProved, ProofMissing) as refusal:
        return _page(request, status=403, unproved=str(refusal))
    except Refusal as refusal:
        return _page(request, status=400, problem=str(refusal))
    return redirect("admin:approvals_slack")


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the link. That needs no proof: it takes power away, and gives none."""
    _must_be_in_use()
    person = person_of(request)
    actions.end_slack_link(person, by=person, door=Door.ADMIN)
    messages.success(request, "Slack account unlinked. Its clicks no longer count as yours.")
    return redirect("admin:approvals_slack")


def _must_be_in_use() -> None:
    if SLACK not in channels.names():
        raise Http404


def _page(request: HttpRequest, *, status: int = 200, **form: str) -> HttpResponse:
    person = person_of(request)
    return page(
        request,
        "approvals/slack_account.html",
        title="Slack account",
        status=status,
        link=link_of(person),
        offer=_offer(person.pk),
        needs_proof=fresh_proof(person, session_of(request)) is None,
        form=form,
    )


def _offer(person_id: int) -> SlackLink | None:
    """What waits for a click in Slack, while it can be confirmed."""
    offer = SlackLink.objects.filter(person=person_id, confirmed_at=None, ended_at=None).last()
    return offer if offer and offer.confirm_until > database_now() else None
