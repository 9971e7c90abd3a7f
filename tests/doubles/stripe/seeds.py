"""What exists before the story begins. What is there already stays, so seeding can be repeated."""

from typing import Any

from tests.doubles.stripe import objects
from tests.doubles.stripe.books import Books
from tests.doubles.stripe.wire import Obj
from tests.doubles.stripe.world import PLATFORM, World

_SEEDS = {"accounts", "customers", "payments", "available"}
_FIELDS = {
    "accounts": {"id", "active", "name", "email", "country", "currency", "created", "metadata"},
    "customers": {
        "id", "name", "email", "balance", "currency", "created", "description", "metadata",
        "account",
    },
    "payments": {
        "id", "amount", "currency", "customer", "created", "card", "name", "email", "description",
        "metadata", "status", "disputed", "amount_refunded", "refund_status", "transfer_group",
        "account",
    },
}  # fmt: skip
_NEEDED = {"accounts": {"id"}, "customers": {"id"}, "payments": {"id", "amount"}}


def plant(world: World, seeds: Any) -> Obj:
    """Add what is new and return how many of each were. Raise ValueError, having added nothing."""
    with world.lock:
        _check(world, seeds)
        before = len(world.platform.available)
        counts: Obj = {
            "accounts": sum(_account(world, given) for given in seeds.get("accounts", [])),
            "customers": sum(_customer(world, given) for given in seeds.get("customers", [])),
            "payments": sum(_payment(world, given) for given in seeds.get("payments", [])),
        }
        for currency, amount in seeds.get("available", {}).items():
            world.platform.available.setdefault(currency.lower(), amount)
        counts["available"] = len(world.platform.available) - before
        world.save()
        return counts


def _check(world: World, seeds: Any) -> None:
    unknown = set(seeds) - _SEEDS
    if not isinstance(seeds, dict) or unknown:
        raise ValueError(f"Seeds are an object with {sorted(_SEEDS)}; this is not: {unknown}.")
    for table, fields in _FIELDS.items():
        for given in seeds.get(table, []):
            _check_fields(table, given, fields)
    coming = {given["id"] for given in seeds.get("customers", [])}
    for given in seeds.get("payments", []):
        customer = given.get("customer")
        books = world.books(given.get("account", PLATFORM))
        if customer and customer not in coming and customer not in books.tables["customers"]:
            raise ValueError(f"Payment {given['id']} is of {customer}, who has not been seeded.")


def _check_fields(table: str, given: Obj, fields: set[str]) -> None:
    lacking = _NEEDED[table] - set(given)
    unknown = set(given) - fields
    if lacking or unknown:
        raise ValueError(
            f"A seed of {table} needs {sorted(_NEEDED[table])} and may have {sorted(fields)}; "
            f"this one has {sorted(given)}."
        )
    for name in {"amount", "balance", "created", "amount_refunded"} & set(given):
        if not isinstance(given[name], int):
            raise ValueError(f"{name} of {given['id']} has to be a whole number of minor units.")


def _account(world: World, given: Obj) -> bool:
    books = world.platform
    return _add(books, "accounts", objects.account(given, books.stamp()))


def _customer(world: World, given: Obj) -> bool:
    books = world.books(given.get("account", PLATFORM))
    return _add(books, "customers", objects.customer(given, books.stamp()))


def _payment(world: World, given: Obj) -> bool:
    books = world.books(given.get("account", PLATFORM))
    intent = objects.payment_intent(given, books.stamp())
    if not _add(books, "payment_intents", intent):
        return False
    if intent["latest_charge"]:
        charge = books.add("charges", objects.charge(given, intent))
        if given.get("refund_status"):
            books.refund_status[charge["id"]] = given["refund_status"]
    return True


def _add(books: Books, table: str, made: Obj) -> bool:
    if made["id"] in books.tables[table]:
        return False
    books.add(table, made)
    return True
