"""The real client, pointed at the double."""

import contextlib
from collections.abc import Iterator

import stripe

PINNED = "2026-10-28.endive"


@contextlib.contextmanager
def connected(
    url: str, *, key: str = "sk_test_double", read_timeout: float = 5.0
) -> Iterator[stripe.StripeClient]:
    """A client that retries nothing by itself, with its sockets closed at the end.

    `read_timeout` is in seconds. Sessions belong to a thread: make one client in each.
    """
    # Telemetry would write a file into the home directory of whoever runs the tests.
    before, stripe.enable_telemetry = stripe.enable_telemetry, False
    http = stripe.RequestsClient(timeout=(2.0, read_timeout))
    try:
        yield stripe.StripeClient(
            key,
            stripe_version=PINNED,
            max_network_retries=0,
            base_addresses={"api": url},
            http_client=http,
        )
    finally:
        http.close()
        stripe.enable_telemetry = before
