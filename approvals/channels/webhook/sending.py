"""One POST to a public address that was resolved once. No redirects, no proxies, no second look-up."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from approvals.channels.base import Permanent, Retry
from approvals.transport import Call, NoAnswer, NotAllowed, NotSent, address_of, exchange

TIMEOUT: Final = 10.0  # seconds
ANSWER: Final = 1024  # bytes of the answer that are read, and thrown away


def problem_of(url: str) -> str:
    """Why nothing is sent to such an address, as far as it can be seen without asking; else empty."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is not a valid address."
    if parts.scheme != "https" or not parts.hostname:
        return "Enter an address that begins with https:// and names a host."
    if parts.username or parts.password:
        return "Remove username and password from the address. Webhooks are signed instead."
    if port == 0:
        return "This is not a valid address."
    return ""


def why_not_there(url: str) -> str:
    """Why nothing is sent to where this leads now; else empty. One that leads nowhere may later."""
    host, port = _place_of(url)
    try:
        address_of(host, port, private=_is_named(host, port))
    except NotAllowed as error:
        return str(error)
    except NotSent:
        return ""
    return ""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send it, and return the status of the answer. Raises `Retry` or `Permanent`."""
    if problem := problem_of(url):
        raise Permanent(problem)
    call = Call(
        "POST",
        url,
        body,
        headers,
        seconds=TIMEOUT,
        most=ANSWER,
        private=_is_named(*_place_of(url)),
        cut=True,
    )
    try:
        return exchange(call).status
    except NotAllowed as error:
        raise Permanent(str(error)) from error
    except (NotSent, NoAnswer) as error:
        raise Retry("The endpoint could not be reached, or closed the connection.") from error


def _place_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443


def _is_named(host: str, port: int) -> bool:
    """Whether the settings allow it, though it is in a private network."""
    return f"{host}:{port}" in settings.WEBHOOK_PRIVATE_HOSTS
