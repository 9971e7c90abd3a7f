"""The part of the inbox that asks nothing: what a person is told."""

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from approvals.channels.addresses import path_of
from approvals.models import Notification
from approvals.notifications.notify import mark_read
from approvals.requests import inbox
from approvals.requests.policy import to_decide
from audit.admin.pages import page, person_of

PER_PAGE: Final = 25
TONES: Final = {"run_failed": "bad", "run_uncertain": "bad", "run_succeeded": "good"}


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    notification: Notification

    @property
    def tone(self) -> str:
        return TONES.get(self.notification.event, "quiet")


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below those of the inbox."""
    view = site.admin_view
    return [
        path("notifications/", view(notifications), name="approvals_notifications"),
        path(
            "notifications/<int:pk>/", view(open_notification), name="approvals_notification_open"
        ),
        path("notifications/read/", view(read_all), name="approvals_notifications_read"),
    ]


@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """What this person was told, newest first."""
    person = person_of(request)
    found = Paginator(Notification.objects.filter(person=person), PER_PAGE).get_page(
        request.GET.get("page")
    )
    return page(
        request,
        "approvals/notifications.html",
        title="Inbox",
        tabs=inbox.tabs_for(person),
        waiting=to_decide(person).count(),
        unread=inbox.unread(person),
        page=found,
        rows=[Row(notification) for notification in found.object_list],
    )


@require_safe
def open_notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to what a notice is about. It counts as read from then on, and nothing else changes."""
    person = person_of(request)
    notification = Notification.objects.filter(person=person, pk=pk).first()
    if notification is None:
        raise Http404
    mark_read(person, notification.pk)
    return redirect(path_of(notification.subject_type, notification.subject_id))


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all of one's own notices as read."""
    if mark_read(person_of(request)):
        messages.success(request, "All notifications are marked as read.")
    return redirect("admin:approvals_notifications")
