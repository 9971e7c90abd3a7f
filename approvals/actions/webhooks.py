"""Which programs hear of what."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from approvals import events
from approvals.channels.models import Endpoint
from approvals.channels.webhook.secrets import locked
from approvals.channels.webhook.sending import problem_of
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User


class NoEndpoint(Refusal):
    """What was given cannot be called."""


def add_endpoint(url: str, listens_to: Sequence[str], *, by: "User | None", door: str) -> str:
    """Have a webhook sent to this address for these events. Returns the secret, this once."""
    secret = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
    with transition(by=by, door=door):
        if problem := problem_of(url):
            raise NoEndpoint(problem)
        known = [event.key for event in events.every()]
        if not listens_to or set(listens_to) - set(known):
            raise NoEndpoint(f"Name one or more of these events: {', '.join(known)}.")
        if Endpoint.objects.filter(url=url).exists():
            raise NoEndpoint("This address is in use already.")
        Endpoint.objects.create(url=url, ciphertext=locked(secret), events=[*listens_to])
    return secret


def end_endpoint(url: str, *, by: "User | None", door: str) -> None:
    """Send nothing more to this address."""
    with transition(by=by, door=door):
        endpoint = Endpoint.objects.filter(url=url, is_active=True).first()
        if endpoint is None:
            raise NoEndpoint("Nothing is sent to this address.")
        endpoint.is_active = False
        endpoint.save(update_fields=["is_active"])
