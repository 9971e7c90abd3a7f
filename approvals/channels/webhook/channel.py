"""Webhooks in the form of Standard Webhooks: signed, with ids and states, without anybody's data."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from django.core.checks import CheckMessage
from standardwebhooks.webhooks import Webhook as Signer

from approvals.channels.base import External, Permanent, Recipients, Retry, Target
from approvals.channels.webhook.secrets import opened
from approvals.channels.webhook.sending import post
from approvals.models.deliveries import Delivery, WebhookEndpoint

TOO_MANY: Final = 429
FAULT: Final = 500


class Webhook:
    name = "webhook"
    label = "Webhook"
    updatable = False

    def targets(self, recipients: Recipients) -> Iterator[Target]:
        """The endpoints that listen to this event. Nobody in person is reached by them."""
        if not recipients.event:
            return
        for endpoint in WebhookEndpoint.objects.filter(is_active=True):
            if recipients.event in endpoint.events:
                yield Target(str(endpoint.pk))

    def send(self, delivery: Delivery) -> External:
        endpoint = WebhookEndpoint.objects.filter(pk=delivery.address, is_active=True).first()
        if endpoint is None:
            raise Permanent("This endpoint is turned off.")
        body, headers = signed(delivery, *secrets_of(endpoint))
        _judge(status := post(endpoint.url, body.encode(), headers))
        return {"webhook_id": headers["webhook-id"], "status": status}

    def update(self, delivery: Delivery) -> None:
        raise NotImplementedError("What a webhook said was so at that time.")

    def problems(self) -> Iterable[CheckMessage]:
        return []


def secrets_of(endpoint: WebhookEndpoint) -> list[str]:
    """What its webhooks are signed with now."""
    former = endpoint.former_ciphertext if datetime.now(tz=UTC) < endpoint.both_until else b""
    return [opened(each) for each in (endpoint.ciphertext, former) if each]


def signed(delivery: Delivery, *secrets: str) -> tuple[str, dict[str, str]]:
    """The body and its headers. The id is the same each time it is sent."""
    body = json.dumps(
        {
            "type": delivery.event,
            "timestamp": delivery.made_at.isoformat(),
            "data": {
                "subject_type": delivery.subject_type,
                "subject_id": delivery.subject_id,
                "status": delivery.request.status if delivery.request else None,
            },
        }
    )
    number, now = f"delivery_{delivery.pk}", datetime.now(tz=UTC)
    return body, {
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(each).sign(number, now, body) for each in secrets),
    }


def _judge(status: int) -> None:
    if status < 300:
        return
    if status == TOO_MANY or status >= FAULT:
        raise Retry(f"The webhook endpoint is busy ({status}).")
    # A redirect is not followed: it could lead anywhere.
    raise Permanent(f"The webhook endpoint rejected it ({status}).")
