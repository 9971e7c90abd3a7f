"""Which address does what, and which parameters are acted on there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.doubles.stripe import operations, parameters, reads
from tests.doubles.stripe.books import Books
from tests.doubles.stripe.refusals import NotSaved
from tests.doubles.stripe.wire import Call, Obj

_REFUND = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"}) | {
    "refund_application_fee",
    "reverse_transfer",
}
_CREDIT = frozenset({"amount", "currency", "description", "expand", "metadata"})
_TRANSFER = _CREDIT | {"destination", "source_transaction", "transfer_group"}


@dataclass(frozen=True, slots=True)
class Route:
    """`params_class` is the name of the client's own annotations for the call."""

    method: str
    path: str
    kind: str
    params_class: str
    handle: reads.Handler
    modelled: frozenset[str] = field(default=frozenset({"expand"}))

    def match(self, call: Call) -> dict[str, str] | None:
        ours, theirs = self.path.split("/"), call.path.split("/")
        if self.method != call.method or len(ours) != len(theirs):
            return None
        ids = {}
        for name, given in zip(ours, theirs, strict=True):
            if name.startswith("{") and given:
                ids[name.strip("{}")] = given
            elif name != given:
                return None
        return ids

    def check(self, call: Call) -> None:
        parameters.check_names(call, self.params_class, self.modelled)
        reads.check_expand(call, self.kind, of_list=self.params_class.endswith("ListParams"))

    def run(self, books: Books, call: Call, ids: Mapping[str, str]) -> Obj:
        return reads.expanded(books, self.handle(books, call, ids), call)


def _get(path: str, kind: str, params_class: str, handle: reads.Handler) -> Route:
    return Route("GET", path, kind, params_class, handle)


def _list(path: str, kind: str, params_class: str, handle: reads.Handler, *filters: str) -> Route:
    return Route("GET", path, kind, params_class, handle, reads.PAGING | set(filters))


def _both(table: str, kind: str, words: str, *filters: str) -> list[Route]:
    """The list and the single look-up of a table that has an address of its own."""
    path = f"/v1/{table}"
    return [
        _list(path, kind, f"{words}ListParams", reads.listing(table, *filters), *filters),
        _get(f"{path}/{{id}}", kind, f"{words}RetrieveParams", reads.retrieval(table)),
    ]


_CREDITS = "/v1/customers/{customer}/balance_transactions"
_CREDITED = "customer_balance_transaction"
_WORDS = "CustomerBalanceTransaction"

ROUTES = [
    Route("POST", "/v1/refunds", "refund", "RefundCreateParams", operations.create_refund, _REFUND),
    Route(
        "POST",
        _CREDITS,
        _CREDITED,
        f"{_WORDS}CreateParams",
        operations.create_balance_transaction,
        _CREDIT,
    ),
    Route(
        "POST",
        "/v1/transfers",
        "transfer",
        "TransferCreateParams",
        operations.create_transfer,
        _TRANSFER,
    ),
    *_both("customers", "customer", "Customer", "email"),
    *_both("payment_intents", "payment_intent", "PaymentIntent", "customer"),
    *_both("charges", "charge", "Charge", "customer", "payment_intent", "transfer_group"),
    *_both("refunds", "refund", "Refund", "charge", "payment_intent"),
    *_both("transfers", "transfer", "Transfer", "destination", "transfer_group"),
    *_both("accounts", "account", "Account"),
    _list(_CREDITS, _CREDITED, f"{_WORDS}ListParams", reads.list_balance_transactions),
    _get(
        f"{_CREDITS}/{{id}}",
        _CREDITED,
        f"{_WORDS}RetrieveParams",
        reads.retrieve_balance_transaction,
    ),
    _list("/v1/events", "event", "EventListParams", reads.list_events, "type", "types"),
    _get("/v1/events/{id}", "event", "EventRetrieveParams", reads.retrieval("events")),
    _get("/v1/balance", "balance", "BalanceRetrieveParams", reads.retrieve_balance),
    _get("/v1/account", "account", "AccountRetrieveCurrentParams", reads.retrieve_own_account),
]


def find(call: Call) -> tuple[Route, dict[str, str]]:
    """Raise NotSaved (404) for an address the double does not serve."""
    for route in ROUTES:
        ids = route.match(call)
        if ids is not None:
            return route, ids
    raise NotSaved(f"Unrecognized request URL ({call.method}: {call.path}).", status=404)
