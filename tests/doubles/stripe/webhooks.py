"""Signed deliveries of events.

For one that comes twice, late or wrongly signed: call twice, give an old time, another secret.
"""

import hashlib
import hmac
import json
import urllib.error
import urllib.request

from tests.doubles.stripe.wire import Obj


def signed(event: Obj, secret: str, at: int) -> tuple[bytes, str]:
    """The body of a delivery and its `Stripe-Signature` header. `at` is in seconds since 1970."""
    body = json.dumps(event, indent=2).encode()
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={at},v1={digest}"


def deliver(event: Obj, url: str, secret: str, at: int) -> int:
    """POST an event to an http address and return the status it was answered with."""
    body, signature = signed(event, secret, at)
    request = urllib.request.Request(  # noqa: S310
        url,
        body,
        {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
