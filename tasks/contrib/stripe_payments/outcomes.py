"""What Stripe's errors say about money: it did not move, or it may have moved.

| what came back                         | did it happen?                    | becomes        |
|----------------------------------------|-----------------------------------|----------------|
| no connection, time-out, half an answer | unknown                          | OutcomeUnknown |
| success with an unreadable body        | probably                          | OutcomeUnknown |
| 409                                    | somebody is sending the same key  | OutcomeUnknown |
| 500 and above                          | unknown                           | OutcomeUnknown |
| the same, replayed from its key         | unknown, and for ever             | OutcomeUnknown |
| 400 because the key had other values   | an earlier call may have          | OutcomeUnknown |
| 429                                    | not by this call                  | Busy           |
| 400, 402, 404                          | not by this call                  | Refused        |
| 401, 403                               | not by this call                  | Refused        |
| anything else                          | unknown                           | OutcomeUnknown |
"""

from typing import Final

import stripe

from tasks.authoring import Busy, OutcomeUnknown, Refused

_LOOK = "Check Stripe's dashboard before trying it again."

# What people read instead of Stripe's own text, by Stripe's code.
_PLAIN: Final = {
    "charge_already_refunded": "This payment has already been refunded in full.",
    "charge_disputed": (
        "The customer has disputed this payment at their bank, so Stripe will not refund it: the "
        "dispute decides where the money goes."
    ),
    "balance_insufficient": (
        "There is not enough available money in the company's Stripe balance. Try again when more "
        "payments have settled."
    ),
    "account_invalid": "Stripe does not know this merchant's account, or cannot use it.",
    "insufficient_capabilities_for_transfer": (
        "This merchant's Stripe account cannot receive transfers yet. The merchant has to finish "
        "setting it up."
    ),
    "transfers_not_allowed": "This merchant's Stripe account cannot receive transfers.",
    "resource_missing": "Stripe does not know this payment, customer or account.",
}


def classify(error: stripe.StripeError) -> Refused | OutcomeUnknown:
    """The plain exception that stands for one of Stripe's, with a text for people."""
    match error:
        case stripe.RateLimitError():
            return Busy(
                "Stripe is busy and has turned this down. Nothing happened. Try again in a "
                "few minutes."
            )
        case stripe.AuthenticationError() | stripe.PermissionError():
            return Refused(
                "Stripe does not accept our key for this. Nothing happened. Ask an engineer to "
                "check STRIPE_API_KEY and what the key may do."
            )
        case stripe.IdempotencyError():
            return OutcomeUnknown(
                "Stripe has seen this request before with other values: a fault in the task's "
                f"code. {_LOOK}",
                same_key=False,
            )
        case stripe.InvalidRequestError() | stripe.CardError():
            return Refused(f"{_PLAIN.get(code_of(error)) or _said(error)} Nothing happened.")
    return OutcomeUnknown(
        f"{_unknown(error)} It may have happened. {_LOOK}", same_key=not _is_burnt(error)
    )


def _is_burnt(error: stripe.StripeError) -> bool:
    """Whether Stripe has kept this very error under the key, and will give it for ever."""
    return (error.headers or {}).get("Idempotent-Replayed") == "true"


def code_of(error: stripe.StripeError) -> str:
    """Stripe's code for an error; empty when it gave none."""
    # Some classes leave `error.code` empty and carry the code in the body only.
    body = getattr(error.error, "code", None) if error.error else None
    return str(error.code or body or "")


def was_answered(error: stripe.StripeError) -> bool:
    """Whether Stripe could be reached, so that asking it again makes sense."""
    return error.http_status is not None


def _said(error: stripe.StripeError) -> str:
    text = (error.user_message or "it gave no reason").rstrip(". ")
    return f"Stripe refused: {text}."


def _unknown(error: stripe.StripeError) -> str:
    if error.http_status is None:
        # Not `should_retry`: it is False for half an answer, after which the money has moved.
        return "The connection to Stripe broke before it answered."
    if error.http_status == 409:
        return "Stripe is still working on the same request."
    return f"Stripe answered with an error of its own (HTTP {error.http_status})."
