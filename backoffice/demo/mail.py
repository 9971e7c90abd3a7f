"""The demo sends nothing: its emails are kept in a folder, and the page “Demo mailbox” shows them."""

import email
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage as Outgoing
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from backoffice.demo.mode import in_demo
from backoffice.demo.slack import own_account, posted
from backoffice.error_pages import frame_of

SHOWN: Final = 30
BODY: Final = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL)


class EmailBackend(BaseEmailBackend):
    """Keeps each message as a file, named by the time."""

    def send_messages(self, email_messages: Sequence[Outgoing]) -> int:
        folder = Path(settings.EMAIL_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            draft = folder / f"{time.time_ns()}.new"
            draft.write_bytes(message.message().as_bytes())
            draft.rename(draft.with_suffix(".eml"))  # so that nobody reads half of it
        return len(email_messages)


@dataclass(frozen=True)
class Sent:
    """One email, for the page."""

    at: datetime
    to: str
    subject: str
    body: SafeString


def kept() -> list[Sent]:
    """The newest emails first."""
    files = sorted(Path(settings.EMAIL_FOLDER).glob("*.eml"), reverse=True)[:SHOWN]
    return [_read(file) for file in files]


def _read(file: Path) -> Sent:
    message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    at = datetime.fromtimestamp(int(file.stem) / 1e9, tz=get_current_timezone())
    return Sent(at, str(message["To"]), str(message["Subject"]), _body(message))


def _body(message: EmailMessage) -> SafeString:
    part = message.get_body(("html",))
    found = BODY.search(part.get_content() if part else "")
    # Our own template made it, and escaped what people wrote.
    return mark_safe(found[1] if found else "")  # noqa: S308


@require_safe
@never_cache
def sent_messages(request: HttpRequest) -> HttpResponse:
    """What would have been sent, as its readers would see it. In the demo, for everybody."""
    if not in_demo():
        raise Http404
    in_slack, modals = posted()
    shown = {
        "sent": kept(),
        "in_slack": in_slack,
        "modals": modals,
        "account": own_account(request),
    }
    return render(request, "backoffice/sent_messages.html", shown | frame_of(request))
