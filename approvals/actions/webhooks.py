"""Which programs hear of what."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from approvals.channels.webhook.secrets import locked
from approvals.channels.webhook.sending import problem_of, why_not_there
from approvals.models.deliveries import WebhookEndpoint
from approvals.notifications import events
from audit.database.clock import database_now
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User

MAY: Final = "approvals.manage_channels"


class NoWebhookEndpoint(Refusal):
    """What was given cannot be called, or this person may not say so."""


def add_endpoint(url: str, listens_to: Sequence[str], *, by: "User | None", door: str) -> str:
    """Have a webhook sent to this address for these events. Returns the secret, this once.

    Raises `NoWebhookEndpoint`.
    """
    problem = problem_of(url) or why_not_there(url)  # asks the resolver, so outside the transaction
    secret = _new_secret()
    with transition(by=by, door=door):
        _must_be_allowed(by)
        if problem:
            raise NoWebhookEndpoint(problem)
        known = [event.key for event in events.every()]
        if not listens_to or set(listens_to) - set(known):
            raise NoWebhookEndpoint(f"Choose one or more of these events: {', '.join(known)}.")
        if WebhookEndpoint.objects.filter(url=url).exists():
            raise NoWebhookEndpoint("This endpoint already exists. Turn it on instead.")
        WebhookEndpoint.objects.create(
            url=url, ciphertext=locked(secret), events=[*listens_to], secret_since=database_now()
        )
    return secret


def rotate_secret(endpoint_id: int, *, by: "User | None", door: str) -> str:
    """Give an endpoint a new secret, and return it, this once.

    For a day it is signed with the one before, too, so that the other side can change over.
    """
    secret = _new_secret()
    with transition(by=by, door=door):
        endpoint = _endpoint(endpoint_id, by)
        endpoint.former_ciphertext = endpoint.ciphertext
        endpoint.ciphertext = locked(secret)
        endpoint.secret_since = database_now()
        endpoint.save()
    return secret


def stop_endpoint(endpoint_id: int, *, by: "User | None", door: str) -> WebhookEndpoint:
    """Send nothing more there. Raises `NoWebhookEndpoint`."""
    return _set_active(endpoint_id, active=False, by=by, door=door)


def resume_endpoint(endpoint_id: int, *, by: "User | None", door: str) -> WebhookEndpoint:
    """Send there again what happens from now on. Raises `NoWebhookEndpoint`."""
    return _set_active(endpoint_id, active=True, by=by, door=door)


def end_endpoint(url: str, *, by: "User | None", door: str) -> None:
    """Send nothing more to this address."""
    endpoint = WebhookEndpoint.objects.filter(url=url, is_active=True).first()
    with transition(by=by, door=door):
        if endpoint is None:
            raise NoWebhookEndpoint("No active webhook endpoint has this address.")
        stop_endpoint(endpoint.pk, by=by, door=door)


def _set_active(endpoint_id: int, *, active: bool, by: "User | None", door: str) -> WebhookEndpoint:
    with transition(by=by, door=door):
        endpoint = _endpoint(endpoint_id, by)
        if endpoint.is_active == active:
            state = "active" if active else "turned off"
            raise NoWebhookEndpoint(f"This endpoint is already {state}.")
        endpoint.is_active = active
        endpoint.save(update_fields=["is_active"])
    return endpoint


def _endpoint(endpoint_id: int, by: "User | None") -> WebhookEndpoint:
    _must_be_allowed(by)
    return WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint_id)


def _must_be_allowed(by: "User | None") -> None:
    """Who sits at the server needs no right: they could do more than this."""
    if by is not None and not by.has_perm(MAY):
        raise NoWebhookEndpoint(
            "You don't have permission to manage channels. Contact an administrator."
        )


def _new_secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
