"""What happens at Stripe later and without us: failing refunds, reversed transfers, disputes."""

from tests.doubles.stripe import objects
from tests.doubles.stripe.books import Books, new_id
from tests.doubles.stripe.wire import Obj
from tests.doubles.stripe.world import World


def fail_refund(world: World, refund: str, reason: str = "expired_or_canceled_card") -> Obj:
    """The bank sends the money back; it can then be refunded once more. Raise ValueError."""
    with world.lock:
        books, found = world.find("refunds", refund)
        if found["status"] not in ("succeeded", "pending", "requires_action"):
            raise ValueError(f"Refund {refund} is {found['status']} and cannot fail any more.")
        found.update(
            status="failed",
            failure_reason=reason,
            failure_balance_transaction=new_id("txn"),
        )
        charge = books.tables["charges"][found["charge"]]
        charge["amount_refunded"] -= found["amount"]
        charge["refunded"] = False
        books.move(found["currency"], found["amount"])
        _announce(books, found, "refund.updated", "charge.refund.updated", "refund.failed")
        world.save()
        return found


def complete_refund(world: World, refund: str) -> Obj:
    """A pending refund arrives. Raise ValueError when it is not pending."""
    with world.lock:
        books, found = world.find("refunds", refund)
        if found["status"] not in ("pending", "requires_action"):
            raise ValueError(f"Refund {refund} is {found['status']}, not pending.")
        found["status"] = "succeeded"
        _announce(books, found, "refund.updated", "charge.refund.updated")
        world.save()
        return found


def reverse_transfer(world: World, transfer: str, amount: int | None = None) -> Obj:
    """Take back a transfer or a part of it, in minor units. Raise ValueError."""
    with world.lock:
        books, found = world.find("transfers", transfer)
        left = found["amount"] - found["amount_reversed"]
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            raise ValueError(f"Of transfer {transfer} {left} can be taken back, not {amount}.")
        reversal = objects.reversal(found, amount, books.stamp())
        found["reversals"]["data"].insert(0, reversal)
        found["reversals"]["total_count"] += 1
        found["amount_reversed"] += amount
        found["reversed"] = found["amount_reversed"] == found["amount"]
        books.move(found["currency"], amount)
        _announce(books, found, "transfer.reversed")
        world.save()
        return found


def dispute(world: World, payment: str) -> Obj:
    """The cardholder's bank charges a payment back; no refund after that. Raise ValueError."""
    with world.lock:
        books, intent = world.find("payment_intents", payment)
        if intent["latest_charge"] is None:
            raise ValueError(f"Payment {payment} was never charged.")
        charge = books.tables["charges"][intent["latest_charge"]]
        charge["disputed"] = True
        about = {
            "id": new_id("dp"),
            "object": "dispute",
            "amount": charge["amount"],
            "charge": charge["id"],
            "created": books.stamp(),
            "currency": charge["currency"],
            "metadata": {},
            "payment_intent": payment,
            "reason": "fraudulent",
            "status": "needs_response",
        }
        _announce(books, about, "charge.dispute.created")
        world.save()
        return charge


def _announce(books: Books, about: Obj, *kinds: str) -> None:
    for kind in kinds:
        books.announce(kind, about)
