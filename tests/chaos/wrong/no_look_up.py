"""Wrong: an error that stays with the key is believed, and Stripe is not asked what it has done."""

from typing import Any

from tasks.contrib.stripe_payments import money


def raise_it(outcome: Exception, error: Exception, among: Any, key: str) -> Any:
    raise outcome from error


money._found_or_raise = raise_it
