"""The shapes of Stripe's objects, with the fields that a careless look-up would leak."""

from typing import Any

from tests.doubles.stripe.books import new_id
from tests.doubles.stripe.wire import Obj

# Currencies without a smaller unit.
_ZERO_DECIMAL = {
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
    *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
}


def money(amount: int, currency: str) -> str:
    """An amount in minor units as Stripe writes it in its messages."""
    if currency in _ZERO_DECIMAL:
        return f"{amount} {currency}"
    sign = "$" if currency == "usd" else ""
    tail = "" if sign else f" {currency}"
    return f"{sign}{amount / 100:.2f}{tail}"


def customer(given: Obj, created: int) -> Obj:
    return {
        "id": given["id"],
        "object": "customer",
        "address": None,
        "balance": given.get("balance", 0),
        "created": given.get("created", created),
        "currency": given.get("currency"),
        "default_source": None,
        "delinquent": False,
        "description": given.get("description"),
        "discount": None,
        "email": given.get("email"),
        "invoice_prefix": given["id"][-8:].upper(),
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def account(given: Obj, created: int) -> Obj:
    active = given.get("active", True)
    return {
        "id": given["id"],
        "object": "account",
        "business_profile": {"name": given.get("name"), "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {"transfers": "active" if active else "inactive"},
        "charges_enabled": active,
        "country": given.get("country", "US"),
        "created": given.get("created", created),
        "default_currency": given.get("currency", "usd"),
        "details_submitted": active,
        "email": given.get("email"),
        "metadata": given.get("metadata", {}),
        "payouts_enabled": active,
        "type": "express",
    }


def payment_intent(given: Obj, created: int) -> Obj:
    status = given.get("status", "succeeded")
    paid = status == "succeeded"
    return {
        "id": given["id"],
        "object": "payment_intent",
        "amount": given["amount"],
        "amount_capturable": 0,
        "amount_received": given["amount"] if paid else 0,
        "canceled_at": None,
        "capture_method": "automatic",
        # Whoever holds the real one can read and pay the payment, so no page may show it.
        "client_secret": f"{given['id']}_secret_{new_id('x')[2:]}",
        "confirmation_method": "automatic",
        "created": given.get("created", created),
        "currency": given.get("currency", "usd").lower(),
        "customer": given.get("customer"),
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": _charge_id(given["id"]) if paid else None,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "receipt_email": given.get("email"),
        "shipping": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": given.get("transfer_group"),
    }


def charge(given: Obj, intent: Obj) -> Obj:
    """The charge behind a payment that succeeded."""
    refunded = given.get("amount_refunded", 0)
    charge_id = intent["latest_charge"]
    return {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": refunded,
        "balance_transaction": None,
        "billing_details": {
            "address": {"city": None, "country": None, "line1": None, "postal_code": None},
            "email": given.get("email"),
            "name": given.get("name"),
            "phone": None,
        },
        "captured": True,
        "created": intent["created"],
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": given.get("disputed", False),
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "outcome": {
            "network_status": "approved_by_network",
            "risk_level": "normal",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": None,
        "payment_method_details": {"type": "card", "card": _card(given.get("card", {}))},
        "receipt_email": given.get("email"),
        "receipt_url": f"https://pay.stripe.com/receipts/{charge_id}",
        "refunded": refunded >= intent["amount"],
        "shipping": None,
        "status": "succeeded",
        "transfer_group": intent["transfer_group"],
    }


def refund(charge: Obj, amount: int, *, status: str, **rest: Any) -> Obj:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": charge["id"],
        "currency": charge["currency"],
        "destination_details": {
            "type": "card",
            "card": {"reference_status": "pending", "type": "refund"},
        },
        "payment_intent": charge["payment_intent"],
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
        **rest,
    }


def balance_transaction(customer: Obj, amount: int, **rest: Any) -> Obj:
    return {
        "id": new_id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "credit_note": None,
        "customer": customer["id"],
        "ending_balance": customer["balance"] + amount,
        "invoice": None,
        "livemode": False,
        "type": "adjustment",
        **rest,
    }


def transfer(destination: str, amount: int, **rest: Any) -> Obj:
    transfer_id = new_id("tr")
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": new_id("txn"),
        "destination": destination,
        "destination_payment": new_id("py"),
        "livemode": False,
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/transfers/{transfer_id}/reversals",
        },
        "reversed": False,
        "source_type": "card",
        **rest,
    }


def reversal(transfer: Obj, amount: int, created: int) -> Obj:
    return {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "created": created,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": {},
        "source_refund": None,
        "transfer": transfer["id"],
    }


def _charge_id(payment_intent: str) -> str:
    return f"ch_{payment_intent.removeprefix('pi_')}"


def _card(given: Obj) -> Obj:
    return {
        "brand": given.get("brand", "visa"),
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": new_id("fp")[3:],
        "funding": "credit",
        "last4": given.get("last4", "4242"),
        "network": given.get("brand", "visa"),
    }
