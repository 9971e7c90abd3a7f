"""The calls that move money. What they are given was frozen when it was approved, and goes out so."""

from collections.abc import Callable
from typing import Any, Final, Literal

import stripe

from tasks.authoring import Busy, Money, OutcomeUnknown, Refused
from tasks.contrib.stripe_payments.amounts import text_of, units_of
from tasks.contrib.stripe_payments.client import client
from tasks.contrib.stripe_payments.outcomes import classify, was_answered

type Reason = Literal["duplicate", "fraudulent", "requested_by_customer"]
type Answer = dict[str, str]

# Under this name each object at Stripe carries the key it was made with, so that it can be found
# again when the answer got lost.
MARK = "backoffice_key"
NEWEST = 100

# States of a refund: the money has not left us, or it has and may still come back.
UNDONE: Final = ("failed", "canceled")
UNDER_WAY: Final = {
    "pending": "The bank has not confirmed it.",
    "requires_action": "The customer has to act first: Stripe has sent them an email.",
}


def refund(payment_intent: str, amount: Money, *, key: str, reason: Reason) -> Answer:
    """Send `amount` of a payment ("pi_…") back to the card it came from.

    `key` is the idempotency key. Returns the refund's id, status, amount and currency. Raises
    Refused and OutcomeUnknown, the latter also for a refund that Stripe has not finished yet.
    """
    units = units_of(amount)
    answer = _send(
        lambda stripe_client: stripe_client.v1.refunds.create(
            {
                "payment_intent": payment_intent,
                "amount": units,
                "reason": reason,
                "metadata": {MARK: key},
            },
            {"idempotency_key": key},
        ),
        among=refunds_of(payment_intent),
        key=key,
    )
    if answer["status"] in UNDONE:
        raise Refused(
            f"Stripe could not send the money back: refund {answer['id']} {answer['status']}. The "
            "money is still ours. The customer's bank may have closed the card.",
            looked_up=True,
        )
    if answer["status"] in UNDER_WAY:
        # The same key would only get the same answer again, for as long as Stripe keeps it.
        raise OutcomeUnknown(unfinished(answer), same_key=False)
    return answer


def unfinished(answer: Answer) -> str:
    """What a person reads of a refund that Stripe has accepted and not finished."""
    return (
        f"Stripe has accepted refund {answer['id']}, and its status is {answer['status']}. "
        f"{UNDER_WAY[answer['status']]} It may still fail. Look it up again later, until it has "
        "succeeded or failed."
    )


def transfer(destination: str, amount: Money, *, key: str, memo: str = "") -> Answer:
    """Move `amount` from our Stripe balance to a connected account ("acct_…").

    `key` is the idempotency key; the merchant reads `memo`. Returns the transfer's id, amount and
    currency. Raises Refused and OutcomeUnknown.
    """
    params: stripe.params.TransferCreateParams = {
        "destination": destination,
        "amount": units_of(amount),
        "currency": amount.currency.lower(),
        "metadata": {MARK: key},
    }
    if memo:
        params["description"] = memo
    return _send(
        lambda stripe_client: stripe_client.v1.transfers.create(params, {"idempotency_key": key}),
        among=transfers_to(destination),
        key=key,
    )


type Made = stripe.Refund | stripe.Transfer
type _Send = Callable[[stripe.StripeClient], Made]
type Newest = Callable[[stripe.StripeClient], Any]  # a ListObject of what was made


def refunds_of(payment_intent: str) -> Newest:
    """Lists the newest refunds of a payment."""
    return lambda stripe_client: stripe_client.v1.refunds.list(
        {"payment_intent": payment_intent, "limit": NEWEST}
    )


def transfers_to(destination: str) -> Newest:
    """Lists the newest transfers to a connected account."""
    return lambda stripe_client: stripe_client.v1.transfers.list(
        {"destination": destination, "limit": NEWEST}
    )


def _send(send: _Send, *, among: Newest, key: str) -> Answer:
    try:
        return answer_of(send(client()))
    except stripe.StripeError as error:
        outcome = classify(error)
        if isinstance(error, stripe.IdempotencyError) or not was_answered(error):
            raise outcome from error
        return _found_or_raise(outcome, error, among, key)


def _found_or_raise(
    outcome: Exception, error: stripe.StripeError, among: Newest, key: str
) -> Answer:
    """Look for what an earlier call under this key made, before its error is believed.

    A refusal may be our own doing: "already refunded", says Stripe, after the refund whose answer
    got lost. A stored server error stays with the key for ever, whatever happened.
    """
    try:
        made = [found for found in among(client()).data if mark_of(found) == key]
    except stripe.StripeError:
        raise outcome from error
    if made:
        return answer_of(made[0])
    # A busy Stripe has not looked at the key: an earlier call under it may still be at work there.
    if isinstance(outcome, Refused) and not isinstance(outcome, Busy):
        raise Refused(str(outcome), looked_up=True) from error
    raise outcome from error


def mark_of(made: Made) -> str:
    return str(made.to_dict().get("metadata", {}).get(MARK, ""))


def answer_of(made: Made) -> Answer:
    """What is kept of an answer: a list of what may be kept, never of what may not."""
    found = made.to_dict()
    return {
        "id": str(found["id"]),
        "status": str(found.get("status") or "succeeded"),
        "amount": text_of(found["amount"], str(found["currency"])),
        "currency": str(found["currency"]).upper(),
    }
