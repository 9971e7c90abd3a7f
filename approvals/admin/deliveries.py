"""The page on which administrators see what went out by which channel, and have it sent again."""

from typing import Final

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from approvals import actions
from approvals.models.deliveries import ChannelShutdown, Delivery
from audit.admin.base import CappedPaginator
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.transitions import Refusal

MAY: Final = "approvals.manage_channels"
PER_PAGE: Final = 25
BADGES: Final = {"sent": "good", "failed": "bad", "skipped": "quiet"}


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below those of the inbox."""
    view = site.admin_view
    return [
        path("messages/", view(shown), name="approvals_messages"),
        path("messages/<int:pk>/again/", view(again), name="approvals_messages_again"),
        path("messages/<slug:channel>/resume/", view(resume), name="approvals_messages_resume"),
    ]


@require_safe
def shown(request: HttpRequest) -> HttpResponse:
    """The newest messages, of one state where one is chosen, and the channels that have stopped."""
    _must_be_allowed(request)
    chosen = request.GET.get("status", "")
    found = Delivery.objects.select_related("person", "group")
    if chosen in Delivery.Status.values:
        found = found.filter(status=chosen)
    pages: Paginator[Delivery] = CappedPaginator(found, PER_PAGE)
    return page(
        request,
        "approvals/messages.html",
        title="Deliveries",
        shutdowns=ChannelShutdown.objects.order_by("channel"),
        states=Delivery.Status.choices,
        chosen=chosen,
        query=f"status={chosen}" if chosen else "",
        page=(found_page := pages.get_page(request.GET.get("page"))),
        rows=[(delivery, BADGES.get(delivery.status, "waiting")) for delivery in found_page],
    )


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one that failed again."""
    _must_be_allowed(request)
    if not Delivery.objects.filter(pk=pk).exists():
        raise Http404
    try:
        actions.send_again(pk, by=person_of(request), door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Queued to send again.")
    return redirect("admin:approvals_messages")


@require_POST
def resume(request: HttpRequest, channel: str) -> HttpResponse:
    """Let a channel that has stopped try again now."""
    _must_be_allowed(request)
    actions.resume_channel(channel, by=person_of(request), door=Door.ADMIN)
    messages.success(request, "Retrying now.")
    return redirect("admin:approvals_messages")


def _must_be_allowed(request: HttpRequest) -> None:
    if not person_of(request).has_perm(MAY):
        raise Http404
