"""Wrong: an error that Stripe's client calls not worth a retry means that nothing happened."""

import stripe

from tasks.contrib.stripe_payments import money, outcomes
from tasks.declaration.errors import OutcomeUnknown, Refused


def classify(error: stripe.StripeError) -> Refused | OutcomeUnknown:
    if isinstance(error, stripe.APIConnectionError) and not error.should_retry:
        return Refused("The connection failed, and a retry would not help.")
    return outcomes.classify(error)


money.classify = classify  # type: ignore[attr-defined]  # it only imports it
