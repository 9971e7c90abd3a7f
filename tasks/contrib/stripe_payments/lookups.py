"""Reading from Stripe: only what stands on a list of harmless fields ever leaves this module."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from tasks.authoring import Money, Refused
from tasks.contrib.stripe_payments.amounts import money_of
from tasks.contrib.stripe_payments.client import client
from tasks.contrib.stripe_payments.outcomes import code_of


@dataclass(frozen=True, slots=True)
class FoundPayment:
    """A payment as it may be shown: no name, no address, no card number, no link."""

    id: str
    status: str
    amount: Money
    refunded: Money
    disputed: bool
    taken_at: datetime
    customer: str
    card_brand: str
    card_last4: str


def find_payment(payment_intent: str) -> FoundPayment:
    """Look a payment ("pi_…") up. Raises Refused, with a text for people, when it is not found."""
    try:
        found = client().v1.payment_intents.retrieve(payment_intent, {"expand": ["latest_charge"]})
    except stripe.StripeError as error:
        raise Refused(_why_not(payment_intent, error)) from error
    return _allowed(found.to_dict())


def _why_not(payment_intent: str, error: stripe.StripeError) -> str:
    if code_of(error) == "resource_missing":
        return f"Stripe has no payment {payment_intent}. Check that you copied the whole number."
    return "Stripe could not be reached. Nothing was changed. Try again in a few minutes."


def _allowed(found: Mapping[str, Any]) -> FoundPayment:
    # Picked one by one: a field that Stripe adds tomorrow is not shown until somebody adds it here.
    charge = found.get("latest_charge") or {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    currency = str(found["currency"])
    return FoundPayment(
        id=str(found["id"]),
        status=str(found["status"]),
        amount=money_of(found["amount"], currency),
        refunded=money_of(charge.get("amount_refunded", 0), currency),
        disputed=bool(charge.get("disputed")),
        taken_at=datetime.fromtimestamp(found["created"], UTC),
        customer=str(found.get("customer") or ""),
        card_brand=str(card.get("brand") or ""),
        card_last4=str(card.get("last4") or ""),
    )
