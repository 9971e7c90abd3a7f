"""The objects of one Stripe account, its balance, and the ledger of money that really moved."""

import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.doubles.stripe.refusals import missing
from tests.doubles.stripe.wire import Call, Obj

# Table name -> what Stripe calls one of them in its messages.
TABLES = {
    "accounts": "account",
    "balance_transactions": "customer balance transaction",
    "charges": "charge",
    "customers": "customer",
    "events": "event",
    "payment_intents": "payment_intent",
    "refunds": "refund",
    "transfers": "transfer",
}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass
class Books:
    """Not thread-safe: the world's lock is held around every use."""

    account: str
    now: Callable[[], float]
    effects: list[Obj]
    tables: dict[str, dict[str, Obj]] = field(default_factory=lambda: {name: {} for name in TABLES})
    available: dict[str, int] = field(default_factory=dict)
    # Charges whose refunds do not succeed at once, with the status they start in.
    refund_status: dict[str, str] = field(default_factory=dict)

    def add(self, table: str, made: Obj) -> Obj:
        self.tables[table][made["id"]] = made
        return made

    def find(self, table: str, key: str, *, param: str = "id", status: int = 404) -> Obj:
        """Raise Refusal (resource_missing) when there is none."""
        found = self.tables[table].get(key)
        if found is None:
            raise missing(TABLES[table], key, param=param, status=status)
        return found

    def newest_first(self, table: str) -> list[Obj]:
        # The position decides between two objects made in one second: the later one comes first.
        rows = enumerate(self.tables[table].values())
        return [row for _, row in sorted(rows, key=lambda at: (-at[1]["created"], -at[0]))]

    def stamp(self) -> int:
        """Now, in whole seconds since 1970, as Stripe gives its times."""
        return int(self.now())

    def move(self, currency: str, amount: int) -> None:
        self.available[currency] = self.available.get(currency, 0) + amount

    def record_effect(self, kind: str, made: Obj, *, on: str, call: Call) -> None:
        """Write down that money moved. `on` is the payment, customer or account concerned."""
        self.effects.append(
            {
                "seq": len(self.effects) + 1,
                "kind": kind,
                "id": made["id"],
                "amount": made["amount"],
                "currency": made["currency"],
                "on": on,
                "metadata": dict(made["metadata"]),
                "idempotency_key": call.idempotency_key,
                "request": call.id,
                "account": self.account,
                "at": self.now(),
            }
        )

    def announce(self, kind: str, about: Obj, call: Call | None = None) -> Obj:
        """Add an event with a snapshot of the object. Without a call, Stripe acted on its own."""
        event: Obj = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": (call.version if call else "") or None,
            "created": self.stamp(),
            "data": {"object": copy.deepcopy(about)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {
                "id": call.id if call else None,
                "idempotency_key": (call.idempotency_key if call else "") or None,
            },
            "type": kind,
        }
        if self.account:
            event["account"] = self.account
        return self.add("events", event)
