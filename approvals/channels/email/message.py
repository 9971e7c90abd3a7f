"""What an email says, and its headers. No text that a person typed gets into a header."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from approvals.channels.addresses import absolute, page_of
from approvals.channels.links import link_for
from approvals.models.deliveries import Delivery
from approvals.requests.explanation import reasons_of
from approvals.requests.outdated import why_outdated
from audit.context import label_of
from audit.texts.quoting import cited, in_one_line, without_links


def message_for(delivery: Delivery) -> EmailMultiAlternatives:
    """The email of a delivery. Makes a new link where it asks for a decision."""
    context = _context(delivery)
    message = EmailMultiAlternatives(
        subject=_subject(delivery),
        body=render_to_string("approvals/email/message.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[delivery.address],
        headers=_headers(delivery),
    )
    message.attach_alternative(
        render_to_string("approvals/email/message.html", context), "text/html"
    )
    return message


def _outdated(delivery: Delivery) -> str:
    """Why nobody can approve any more what it asks."""
    asked = delivery.request
    why = why_outdated([asked]).get(asked.pk, "") if asked and delivery.asks else ""
    return without_links(in_one_line(why))


def _context(delivery: Delivery) -> dict[str, Any]:
    """What its templates say. Nothing that others typed is hidden, a link, or looks like ours."""
    request = delivery.request
    return {
        "delivery": delivery,
        "text": without_links(in_one_line(delivery.text)),
        "asked": request,
        "requester": in_one_line(label_of(request.requested_by)) if request else "",
        "reason": without_links(cited(request.reason)) if request else "",
        "warnings": _warnings(delivery),
        "reasons": _reasons(delivery),
        "outdated": _outdated(delivery),
        "link": _link(delivery),
        "notification_settings": absolute("admin:approvals_notification_settings"),
        "first": _first_line(delivery),
    }


def _warnings(delivery: Delivery) -> list[str]:
    """What reviewers have to know of earlier runs. Names of files in it were typed by others."""
    found = delivery.request.shown.get("warnings", []) if delivery.request else []
    return [without_links(in_one_line(warning)) for warning in found]


def _reasons(delivery: Delivery) -> list[str]:
    """Why approval is needed. Rules are named by people, and values in it were typed by others."""
    found = reasons_of(delivery.request) if delivery.request and delivery.asks else []
    return [without_links(in_one_line(reason)) for reason in found]


def _link(delivery: Delivery) -> str:
    if delivery.asks and delivery.request and delivery.person:
        return link_for(delivery.request, delivery.person)
    return page_of(delivery.subject_type, delivery.subject_id)


def _subject(delivery: Delivery) -> str:
    """One subject for all that belongs together, or mail programs would not show it as one.

    It names no customer and no amount: others read it on their way, and on locked screens. The name
    of a task is of its code, and nobody typed it into a form.
    """
    task = _task(delivery)
    return f"[Backoffice] {task and f'{task}: '}{_short_name(delivery)}"


def _first_line(delivery: Delivery) -> str:
    """What mail programs and locked screens show beside the subject: no customer, no amount."""
    if delivery.request is None:
        return f"Notification about {_short_name(delivery)}"
    state = "Approval needed" if delivery.asks else delivery.request.get_status_display()
    return f"{state}: {_task(delivery) or _short_name(delivery)}"


def _short_name(delivery: Delivery) -> str:
    """What it is about, with the beginning of its number: “Request 1a2b3c4d”."""
    kind = "Request" if delivery.request_id else delivery.subject_type.rpartition(".")[2].title()
    return f"{kind} {delivery.subject_id[:8]}"


def _task(delivery: Delivery) -> str:
    return in_one_line(str(delivery.request.shown.get("task", ""))) if delivery.request else ""


def _headers(delivery: Delivery) -> dict[str, str]:
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    thread = f"<{delivery.subject_type}.{delivery.subject_id}@{host}>"
    return {
        "Message-ID": f"<{uuid.uuid4()}@{host}>",
        # A message that was never sent: everything about one request hangs below it, also where a
        # provider gives each message an id of its own.
        "In-Reply-To": thread,
        "References": thread,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"Backoffice <notifications.{host}>",
        # Without one-click: nobody may stop being asked by accident.
        "List-Unsubscribe": f"<{absolute('admin:approvals_notification_settings')}>",
    }
