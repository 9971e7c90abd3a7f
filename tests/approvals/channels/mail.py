"""Emails through a real server, and the links in them."""

import re
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from approvals import channels
from approvals.channels.email import Email
from tests.doubles.smtp import SmtpDouble


@pytest.fixture
def smtp(settings):
    """A mail server that Django is set up with, and email as the only channel."""
    with SmtpDouble() as server, channels.temporarily(Email()):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.SITE_URL = "https://backoffice.example"
        yield server


def to(server: SmtpDouble, who) -> EmailMessage:
    """The newest email to this person."""
    return [message for message in server.messages if message["To"] == who.email][-1]


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return found.get_content()


def link_in(message: EmailMessage) -> str:
    """The path of the link that asks for a decision."""
    found = re.search(r"https://backoffice\.example(/a/\S+)", part(message, "plain"))
    assert found, part(message, "plain")
    return urlsplit(found[1]).path
