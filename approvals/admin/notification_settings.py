"""The page on which a person says by which ways they are told of what."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from approvals import actions, channels
from approvals.actions.notification_settings import (
    Choice,
    NothingLeft,
    channels_of,
    notification_settings_of,
)
from approvals.channels.base import SLACK, Channel
from approvals.notifications import events, personal_pages
from audit.admin.pages import page, person_of
from audit.context import Door


@dataclass(frozen=True)
class Box:
    """One thing to tick."""

    name: str
    label: str
    ticked: bool


@dataclass(frozen=True)
class Row:
    label: str
    boxes: list[Box]
    problem: str


def urls(site: AdminSite) -> list[URLPattern]:
    """The address below those of the inbox."""
    view = site.admin_view
    return [
        path(
            "notification_settings/",
            view(notification_settings),
            name="approvals_notification_settings",
        )
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def notification_settings(request: HttpRequest) -> HttpResponse:
    """Show the choices, and keep those that are sent."""
    person = person_of(request)
    reached = channels_of(person)
    if request.method != "POST":
        now = notification_settings_of(person)
        return _page(request, reached, {choice for choice, wanted in now.items() if wanted})
    sent = {(key, name) for key, _, name in (box.partition(":") for box in request.POST)}
    try:
        actions.save_notification_settings(person, sent, door=Door.ADMIN)
    except NothingLeft as refusal:
        return _page(request, reached, sent, problem=str(refusal))
    messages.success(request, "Notification settings saved.")
    return redirect("admin:approvals_notification_settings")


def _page(
    request: HttpRequest, reached: list[Channel], ticked: set[Choice], problem: str = ""
) -> HttpResponse:
    rows = [
        Row(
            event.label,
            [
                Box(
                    f"{event.key}:{channel.name}",
                    channel.label,
                    (event.key, channel.name) in ticked,
                )
                for channel in reached
            ],
            problem if event.key == events.REQUEST_OPENED else "",
        )
        for event in events.every()
    ]
    return page(
        request,
        "approvals/notification_settings.html",
        title="Notification settings",
        status=400 if problem else 200,
        channels=reached,
        has_slack=SLACK in channels.names(),
        pages=personal_pages.every(),
        rows=rows,
    )
