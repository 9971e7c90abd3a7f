"""Look-ups: one object, pages of a list, the balance, and `expand`."""

import copy
from collections.abc import Callable, Mapping

from tests.doubles.stripe import parameters
from tests.doubles.stripe.books import Books
from tests.doubles.stripe.refusals import NotSaved, missing
from tests.doubles.stripe.wire import Call, Obj

type Handler = Callable[[Books, Call, Mapping[str, str]], Obj]

# What kind of object -> which of its fields can be expanded, and the table the id points into.
_EXPANDABLE = {
    "charge": {"customer": "customers", "payment_intent": "payment_intents"},
    "customer_balance_transaction": {"customer": "customers"},
    "payment_intent": {"customer": "customers", "latest_charge": "charges"},
    "refund": {"charge": "charges", "payment_intent": "payment_intents"},
    "transfer": {"destination": "accounts", "source_transaction": "charges"},
}
_KINDS = {"customers": "customer", "payment_intents": "payment_intent", "charges": "charge"}
PAGING = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})


def retrieval(table: str) -> Handler:
    def retrieve(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
        return books.find(table, ids["id"])

    return retrieve


def listing(table: str, *filters: str) -> Handler:
    """A list that can be narrowed by fields of the same name."""

    def page_of(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
        rows = books.newest_first(table)
        for name in filters:
            wanted = parameters.text(call, name)
            if wanted is not None:
                rows = [row for row in rows if row[name] == wanted]
        return page(rows, call)

    return page_of


def list_balance_transactions(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    customer = books.find("customers", ids["customer"], param="customer")
    rows = books.newest_first("balance_transactions")
    return page([row for row in rows if row["customer"] == customer["id"]], call)


def retrieve_balance_transaction(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    found = books.find("balance_transactions", ids["id"], param="transaction")
    if found["customer"] != ids["customer"]:
        raise missing("customer balance transaction", ids["id"], param="transaction", status=404)
    return found


def list_events(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    one = parameters.text(call, "type")
    kinds = [one] if one else parameters.texts(call, "types")
    rows = books.newest_first("events")
    return page([row for row in rows if not kinds or row["type"] in kinds], call)


def retrieve_balance(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    available = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(books.available.items())
    ]
    return {"object": "balance", "available": available, "livemode": False, "pending": []}


def retrieve_own_account(books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
    return {"id": books.account or "acct_platform", "object": "account", "type": "standard"}


def page(rows: list[Obj], call: Call) -> Obj:
    """One page of rows that come newest first. `limit` is 10 unless told, at most 100."""
    rows = [row for row in rows if _within(row["created"], parameters.created_range(call))]
    limit = parameters.integer(call, "limit", least=1) or 10
    if limit > 100:
        raise NotSaved(
            "This value must be less than or equal to 100.",
            code="parameter_invalid_integer",
            param="limit",
        )
    data, has_more = _cut(rows, call, limit)
    return {"object": "list", "data": data, "has_more": has_more, "url": call.path}


def _cut(rows: list[Obj], call: Call, limit: int) -> tuple[list[Obj], bool]:
    before = parameters.text(call, "ending_before")
    if before is not None:
        newer = rows[: _position(rows, before, "ending_before")]
        return newer[-limit:], len(newer) > limit
    after = parameters.text(call, "starting_after")
    rest = rows if after is None else rows[_position(rows, after, "starting_after") + 1 :]
    return rest[:limit], len(rest) > limit


def _position(rows: list[Obj], key: str, param: str) -> int:
    for position, row in enumerate(rows):
        if row["id"] == key:
            return position
    raise missing("object", key, param=param, status=400)


def _within(moment: int, bounds: Mapping[str, int]) -> bool:
    return (
        moment > bounds.get("gt", -1)
        and moment >= bounds.get("gte", 0)
        and moment < bounds.get("lt", moment + 1)
        and moment <= bounds.get("lte", moment)
    )


def check_expand(call: Call, kind: str, *, of_list: bool) -> None:
    """Raise NotSaved for a path that cannot be expanded, before anything has changed."""
    for path in parameters.texts(call, "expand"):
        steps = path.split(".")
        if of_list and steps[0] != "data":
            raise NotSaved(f"This property cannot be expanded ({path}).", param="expand")
        here = kind
        for step in steps[1:] if of_list else steps:
            table = _EXPANDABLE.get(here, {}).get(step)
            if table is None:
                raise NotSaved(f"This property cannot be expanded ({path}).", param="expand")
            here = _KINDS.get(table, "")


def expanded(books: Books, found: Obj, call: Call) -> Obj:
    """A copy of an object or a page, with the ids named in `expand` replaced by their objects."""
    found = copy.deepcopy(found)
    for path in parameters.texts(call, "expand"):
        steps = path.split(".")
        rows = found["data"] if steps[0] == "data" else [found]
        for row in rows:
            _expand(books, row, steps[1:] if steps[0] == "data" else steps)
    return found


def _expand(books: Books, row: Obj, steps: list[str]) -> None:
    if not steps or row[steps[0]] is None:
        return
    if isinstance(row[steps[0]], str):
        table = _EXPANDABLE[row["object"]][steps[0]]
        row[steps[0]] = copy.deepcopy(books.tables[table][row[steps[0]]])
    _expand(books, row[steps[0]], steps[1:])
