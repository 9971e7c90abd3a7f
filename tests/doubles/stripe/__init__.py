"""A stateful double of the part of Stripe's API that the back office uses.

A real HTTP/1.1 server that the real `stripe` client talks to. It holds state, refuses what Stripe
refuses, remembers idempotency keys, breaks on demand, and keeps a ledger of the money that moved.
Written after Stripe's documentation and its client's source; never compared with Stripe itself.
"""

from tests.doubles.stripe.double import StripeDouble
from tests.doubles.stripe.faults import Fault, Kind

__all__ = ["Fault", "Kind", "StripeDouble"]
