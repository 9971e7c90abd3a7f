"""Wrong: a Stripe that is busy, or at work on the same key, has refused. An approved run is dropped."""

import stripe

from tasks.contrib.stripe_payments import money, outcomes
from tasks.declaration.errors import OutcomeUnknown, Refused

BUSY = (409, 429, 503)


def classify(error: stripe.StripeError) -> Refused | OutcomeUnknown:
    if error.http_status in BUSY:
        return Refused("Stripe cannot do this now.")
    return outcomes.classify(error)


money.classify = classify  # type: ignore[attr-defined]  # it only imports it
