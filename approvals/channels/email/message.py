"""What an email says, and its headers. No text that a person typed gets into a header."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from approvals.channels.addresses import absolute, page_of
from approvals.channels.links import link_for
from approvals.models.deliveries import Delivery
from approvals.requests.explanation import reasons_of


def message_for(delivery: Delivery) -> EmailMultiAlternatives:
    """The email of a delivery. Makes a new link where it asks for a decision."""
    context = {
        "delivery": delivery,
        "asked": delivery.request,
        "reasons": reasons_of(delivery.request) if delivery.request and delivery.asks else [],
        "link": _link(delivery),
        "preferences": absolute("admin:approvals_preferences"),
        "first": "Something waits for your decision." if delivery.asks else "There is news.",
    }
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


def _link(delivery: Delivery) -> str:
    if delivery.asks and delivery.request and delivery.person:
        return link_for(delivery.request, delivery.person)
    return page_of(delivery.subject_type, delivery.subject_id)


def _subject(delivery: Delivery) -> str:
    """One subject for all that belongs together, or mail programs would not show it as one.

    It names no customer and no amount: others read it on their way, and on locked screens. The name
    of a task is of its code, and nobody typed it into a form.
    """
    kind = "Request" if delivery.request_id else delivery.subject_type.rpartition(".")[2].title()
    task = " ".join(str(delivery.request.shown.get("task", "")).split()) if delivery.request else ""
    return f"[Backoffice] {task and f'{task}: '}{kind} {delivery.subject_id[:8]}"


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
        "List-Id": f"Backoffice <notices.{host}>",
        # Without one-click: nobody may stop being asked by accident.
        "List-Unsubscribe": f"<{absolute('admin:approvals_preferences')}>",
    }
