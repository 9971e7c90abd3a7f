"""The one Stripe client of a process."""

import functools
import logging
import os

import stripe
from django.conf import settings

from tasks.authoring import Refused

# The shapes that lookups.py reads. Raise it together with the `stripe` package.
STRIPE_VERSION = "2026-10-28.endive"

# Seconds to connect and to wait for an answer: together well below any task's timeout.
TIMEOUT = (5, 30)
# The same where a person waits for a page, and nothing is lost when no answer comes.
TIMEOUT_OF_A_LOOK = (3, 8)

# Telemetry would write an id into the worker's home and send what machine this is.
stripe.enable_telemetry = False

# Below this level it writes payments into our log: at DEBUG whole answers, with names and secrets.
logging.getLogger("stripe").setLevel(logging.WARNING)


def client(*, to_look: bool = False) -> stripe.StripeClient:
    """The client for the present settings, made when a process first asks for it.

    `to_look` gives one that waits for seconds only. Raises Refused while no key is set.
    """
    if not settings.STRIPE_API_KEY:
        raise Refused(
            "Stripe is not connected, so nothing was sent. Ask an engineer to set STRIPE_API_KEY."
        )
    # By process: the queue forks its workers, and two of them on one connection would read each
    # other's answers.
    timeout = TIMEOUT_OF_A_LOOK if to_look else TIMEOUT
    return _client(os.getpid(), settings.STRIPE_API_KEY, settings.STRIPE_API_BASE, timeout)


@functools.lru_cache(maxsize=4)
def _client(
    _process: int, key: str, base: str, timeout: tuple[float, float]
) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=STRIPE_VERSION,
        # A retry in here would sleep in the worker and would not be in any record.
        max_network_retries=0,
        base_addresses={"api": base},
        http_client=stripe.RequestsClient(timeout=timeout),
    )
