"""The three writes: refund, balance credit, transfer. Every check comes before the first change."""

from collections.abc import Mapping

from tests.doubles.stripe import objects, parameters
from tests.doubles.stripe.books import Books
from tests.doubles.stripe.refusals import NotSaved, Refusal
from tests.doubles.stripe.wire import Call, Obj

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create_refund(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    wanted = parameters.integer(call, "amount", least=1)
    reason = parameters.choice(call, "reason", REASONS)
    metadata = parameters.metadata(call)
    charge = _charge_to_refund(books, call)
    _refuse_connect_options(charge, call)
    amount = _amount_to_refund(charge, wanted)

    status = books.refund_status.get(charge["id"], "succeeded")
    refund = objects.refund(
        charge, amount, status=status, created=books.stamp(), reason=reason, metadata=metadata
    )
    books.add("refunds", refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    books.move(charge["currency"], -amount)
    books.record_effect("refund", refund, on=charge["payment_intent"], call=call)
    books.announce("refund.created", refund, call)
    books.announce("charge.refunded", charge, call)
    return refund


def _charge_to_refund(books: Books, call: Call) -> Obj:
    charge_id = parameters.text(call, "charge")
    intent_id = parameters.text(call, "payment_intent")
    if not charge_id and not intent_id:
        raise NotSaved(
            "A refund needs one of the parameters payment_intent and charge.",
            code="parameter_missing",
        )
    if intent_id:
        charge_id = _charge_of_payment(books, intent_id, expected=charge_id)
    return books.find("charges", str(charge_id), param="charge", status=400)


def _charge_of_payment(books: Books, intent_id: str, *, expected: str | None) -> str:
    intent = books.find("payment_intents", intent_id, param="payment_intent", status=400)
    if intent["latest_charge"] is None:
        raise Refusal(
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    if expected not in (None, intent["latest_charge"]):
        raise Refusal(
            f"Charge {expected} does not belong to PaymentIntent {intent_id}.", param="charge"
        )
    return str(intent["latest_charge"])


def _refuse_connect_options(charge: Obj, call: Call) -> None:
    # No charge here was made for somebody else, so there is never a transfer or a fee to take back.
    for name in ("reverse_transfer", "refund_application_fee"):
        if parameters.flag(call, name):
            raise Refusal(
                f"Charge {charge['id']} has no transfer or fee, so {name} cannot be set.",
                param=name,
            )


def _amount_to_refund(charge: Obj, wanted: int | None) -> int:
    name, currency = f"Charge {charge['id']}", charge["currency"]
    if charge["disputed"]:
        raise Refusal(
            f"{name} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    left = int(charge["amount"]) - int(charge["amount_refunded"])
    if left <= 0:
        raise Refusal(f"{name} has already been refunded.", code="charge_already_refunded")
    if wanted is not None and wanted > left:
        # Stripe gives this one no code; the client sees only the parameter and the text.
        raise Refusal(
            f"Refund amount ({objects.money(wanted, currency)}) is greater than "
            f"unrefunded amount on charge ({objects.money(left, currency)})",
            param="amount",
        )
    return left if wanted is None else wanted


def create_balance_transaction(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    """A negative amount is a credit: it lowers what the customer owes."""
    amount = parameters.required_integer(call, "amount")
    currency = parameters.currency(call)
    description = parameters.text(call, "description")
    metadata = parameters.metadata(call)
    customer = books.find("customers", ids["customer"], param="customer")
    if customer["currency"] not in (None, currency):
        raise Refusal(
            f"Customer {customer['id']} has the currency {customer['currency']}; "
            f"a balance transaction in {currency} is not possible.",
            param="currency",
        )

    transaction = objects.balance_transaction(
        customer,
        amount,
        created=books.stamp(),
        currency=currency,
        description=description,
        metadata=metadata,
    )
    books.add("balance_transactions", transaction)
    customer["balance"] = transaction["ending_balance"]
    customer["currency"] = currency
    books.record_effect("balance_transaction", transaction, on=customer["id"], call=call)
    # There is no event of its own for a balance transaction.
    books.announce("customer.updated", customer, call)
    return transaction


def create_transfer(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    currency = parameters.currency(call)
    amount = parameters.integer(call, "amount", least=1)
    rest = {name: parameters.text(call, name) for name in ("description", "transfer_group")}
    metadata = parameters.metadata(call)
    destination = parameters.required_text(call, "destination")
    source = parameters.text(call, "source_transaction")
    if amount is None and source is None:
        raise NotSaved("Missing required param: amount.", code="parameter_missing", param="amount")
    _require_active(books, destination)
    if source is None:
        amount = amount or 0
        _require_funds(books, currency, amount)
    else:
        amount = _amount_from_source(books, source, currency, amount)

    transfer = objects.transfer(
        destination,
        amount,
        created=books.stamp(),
        currency=currency,
        metadata=metadata,
        source_transaction=source,
        **rest,
    )
    books.add("transfers", transfer)
    books.move(currency, -amount)
    books.record_effect("transfer", transfer, on=destination, call=call)
    books.announce("transfer.created", transfer, call)
    return transfer


def _require_active(books: Books, destination: str) -> None:
    account = books.tables["accounts"].get(destination)
    if account is None:
        raise Refusal(
            f"No such destination: '{destination}'", code="resource_missing", param="destination"
        )
    if account["capabilities"]["transfers"] != "active":
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )


def _require_funds(books: Books, currency: str, amount: int) -> None:
    if books.available.get(currency, 0) < amount:
        raise Refusal(
            "You have insufficient available funds in your Stripe account for this transfer. "
            f"Available: {objects.money(books.available.get(currency, 0), currency)}.",
            code="balance_insufficient",
        )


def _amount_from_source(books: Books, source: str, currency: str, wanted: int | None) -> int:
    """A transfer out of one charge needs no available balance, but cannot exceed the charge."""
    charge = books.find("charges", source, param="source_transaction", status=400)
    if charge["currency"] != currency:
        raise Refusal(
            f"The charge {source} is in {charge['currency']}; "
            f"a transfer out of it cannot be in {currency}.",
            param="currency",
        )
    spent = sum(
        row["amount"]
        for row in books.tables["transfers"].values()
        if row["source_transaction"] == source
    )
    left = charge["amount"] - spent
    amount = left if wanted is None else wanted
    if amount > left or left <= 0:
        raise Refusal(
            f"Transfers out of charge {source} cannot exceed its amount; {left} is left.",
            param="amount",
        )
    return int(amount)
