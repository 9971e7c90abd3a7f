"""One email for one person. It leads to a page; nothing is decided by reading or answering it."""

from collections.abc import Iterable, Iterator
from typing import Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.core.mail import get_connection

from approvals.channels.base import EMAIL, External, Recipients, Target
from approvals.channels.email.errors import said
from approvals.channels.email.message import message_for
from approvals.models.deliveries import Delivery

SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"


class Email:
    name = EMAIL
    label = "Email"
    updatable = False

    def targets(self, recipients: Recipients) -> Iterator[Target]:
        """Every active person has an address of their own."""
        for person in recipients.people:
            if person.email and person.is_active:
                yield Target(person.email, person=person)

    def send(self, delivery: Delivery) -> External:
        message = message_for(delivery)
        try:
            with get_connection() as connection:
                connection.send_messages([message])
        except Exception as error:
            raise said(error) from error
        return {"message_id": message.extra_headers["Message-ID"]}

    def update(self, delivery: Delivery) -> None:
        raise NotImplementedError("An email that was sent stays as it is.")

    def problems(self) -> Iterable[CheckMessage]:
        if not settings.SITE_URL:
            yield checks.Error(
                "Emails contain links, but SITE_URL is not set.",
                hint="Set SITE_URL, for example to https://backoffice.example.",
                id="approvals.E101",
            )
        if settings.EMAIL_BACKEND == SMTP and not settings.EMAIL_HOST:
            yield checks.Error(
                "EMAIL_URL names no SMTP server.",
                hint="Set EMAIL_URL, for example to smtp+tls://user:password@mail.example:587.",
                id="approvals.E102",
            )
        if settings.EMAIL_BACKEND == SMTP and not (
            settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL or settings.EMAIL_HOST == "127.0.0.1"
        ):
            yield checks.Warning(
                "Emails and their links are sent unencrypted.",
                hint="Begin EMAIL_URL with smtp+tls:// or smtp+ssl://.",
                id="approvals.W101",
            )
