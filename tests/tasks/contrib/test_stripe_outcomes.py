"""What each of Stripe's errors says about the money, one row of the table after the other. S8."""

import pytest
import stripe

from tasks.contrib.stripe_payments.outcomes import classify
from tasks.declaration.errors import OutcomeUnknown, Refused


def answered(kind, status, *, code=None, message="Said by Stripe"):
    rest = {}
    body = {"error": {"type": "invalid_request_error", "message": message, "code": code}}
    if kind in (stripe.InvalidRequestError, stripe.CardError):
        rest = {"param": "amount", "code": code}
    return kind(message, http_status=status, json_body=body, **rest)


def asked_wrongly(status=400, *, code=None, message="Said by Stripe"):
    return answered(stripe.InvalidRequestError, status, code=code, message=message)


UNKNOWN = {
    "no connection": stripe.APIConnectionError("refused", should_retry=True),
    "half an answer": stripe.APIConnectionError("truncated", should_retry=False),
    "an unreadable success": stripe.APIError("Invalid response body", http_status=200),
    "the same key in flight": answered(stripe.APIError, 409, code="idempotency_key_in_use"),
    "500": answered(stripe.APIError, 500),
    "502": answered(stripe.APIError, 502),
    "503": answered(stripe.APIError, 503),
    "504": answered(stripe.APIError, 504),
    "a key with other values": answered(stripe.IdempotencyError, 400),
    "something new": stripe.StripeError("never seen before", http_status=418),
}
REFUSED = {
    "400": asked_wrongly(),
    "404": asked_wrongly(404, code="resource_missing"),
    "402": answered(stripe.CardError, 402, code="card_declined"),
    "429 rate": answered(stripe.RateLimitError, 429, code="rate_limit"),
    "429 lock": answered(stripe.RateLimitError, 429, code="lock_timeout"),
    "401": answered(stripe.AuthenticationError, 401),
    "403": answered(stripe.PermissionError, 403),
}


@pytest.mark.parametrize("error", UNKNOWN.values(), ids=UNKNOWN)
def test_it_may_have_happened(error):
    assert isinstance(classify(error), OutcomeUnknown)


@pytest.mark.parametrize("error", REFUSED.values(), ids=REFUSED)
def test_it_did_not_happen(error):
    assert isinstance(classify(error), Refused)


@pytest.mark.parametrize("error", UNKNOWN.values(), ids=UNKNOWN)
def test_a_person_is_told_where_to_look(error):
    assert "Check Stripe's dashboard" in str(classify(error))


@pytest.mark.parametrize("error", REFUSED.values(), ids=REFUSED)
def test_a_person_is_told_that_nothing_happened(error):
    assert "Nothing happened." in str(classify(error))


@pytest.mark.parametrize(
    "code",
    [
        "account_invalid",
        "balance_insufficient",
        "charge_already_refunded",
        "charge_disputed",
        "insufficient_capabilities_for_transfer",
        "transfers_not_allowed",
    ],
)
def test_known_refusals_are_put_in_plain_words(code):
    said = str(classify(asked_wrongly(code=code, message="acct_1 lacks a capability")))
    assert "acct_1 lacks a capability" not in said


def test_other_refusals_keep_what_stripe_said():
    said = str(classify(asked_wrongly(message="Refund amount is greater than what is left")))
    assert "Refund amount is greater than what is left." in said


@pytest.mark.parametrize("error", [REFUSED["401"], REFUSED["403"]], ids=["401", "403"])
def test_a_refused_key_is_for_engineers(error):
    assert "STRIPE_API_KEY" in str(classify(error))
