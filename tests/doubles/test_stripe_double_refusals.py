"""What the double refuses, with the exception and the fields that the real client raises."""

import pytest
import stripe

from tests.doubles.stripe import StripeDouble
from tests.doubles.stripe.client import connected


@pytest.fixture
def double():
    with StripeDouble() as running:
        yield running


@pytest.fixture
def client(double):
    with connected(double.url) as connection:
        yield connection


def test_a_request_without_a_usable_key_is_refused(double):
    with (
        connected(double.url, key="pk_test_public") as other,
        pytest.raises(stripe.AuthenticationError) as refused,
    ):
        other.v1.payment_intents.retrieve("pi_1")

    assert refused.value.http_status == 401


def refund(**params):
    return lambda client: client.v1.refunds.create(params)


def credit(customer="cus_alice", **params):
    return lambda client: client.v1.customers.balance_transactions.create(customer, params)


def transfer(**params):
    return lambda client: client.v1.transfers.create(
        {"amount": 100, "currency": "usd", "destination": "acct_1", **params}
    )


def test_an_idempotency_key_among_the_parameters_is_refused(client, double):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": "pi_1", "idempotency_key": "key-1"})

    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "idempotency_key")
    assert double.effects() == []


REFUSALS = {
    "more than was paid": (refund(payment_intent="pi_1", amount=5001), 400, None, "amount"),
    "already refunded": (refund(payment_intent="pi_gone"), 400, "charge_already_refunded", None),
    "more than is left": (refund(payment_intent="pi_part", amount=4001), 400, None, "amount"),
    "disputed": (refund(payment_intent="pi_disputed"), 400, "charge_disputed", None),
    "never paid": (
        refund(payment_intent="pi_unpaid"),
        400,
        "payment_intent_unexpected_state",
        "payment_intent",
    ),
    "no such payment": (refund(payment_intent="pi_no"), 400, "resource_missing", "payment_intent"),
    "no such charge": (refund(charge="ch_no"), 400, "resource_missing", "charge"),
    "charge of another payment": (
        refund(payment_intent="pi_1", charge="ch_gone"), 400, None, "charge",
    ),
    "nothing to refund named": (refund(amount=1), 400, "parameter_missing", None),
    "amount of zero": (
        refund(payment_intent="pi_1", amount=0), 400, "parameter_invalid_integer", "amount",
    ),
    "amount with a fraction": (
        refund(payment_intent="pi_1", amount="1.5"), 400, "parameter_invalid_integer", "amount",
    ),
    "unknown reason": (refund(payment_intent="pi_1", reason="whim"), 400, None, "reason"),
    "no transfer to take back": (
        refund(payment_intent="pi_1", reverse_transfer=True), 400, None, "reverse_transfer",
    ),
    "unknown parameter": (
        refund(payment_intent="pi_1", note="x"), 400, "parameter_unknown", "note",
    ),
    "parameter the double ignores": (
        refund(payment_intent="pi_1", instructions_email="a@example.com"),
        400, None, "instructions_email",
    ),
    "cannot be expanded": (refund(payment_intent="pi_1", expand=["owner"]), 400, None, "expand"),
    "too much metadata": (
        refund(payment_intent="pi_1", metadata={"a": "x" * 501}), 400, None, "metadata[a]",
    ),
    "customer of another currency": (
        credit(amount=-1, currency="eur"), 400, None, "currency",
    ),
    "credit without an amount": (credit(currency="usd"), 400, "parameter_missing", "amount"),
    "credit in no currency": (credit(amount=-1, currency="dollars"), 400, None, "currency"),
    "no such customer": (
        credit("cus_no", amount=-1, currency="usd"), 404, "resource_missing", "customer",
    ),
    "not enough balance": (transfer(amount=501), 400, "balance_insufficient", None),
    "no balance in the currency": (transfer(currency="eur"), 400, "balance_insufficient", None),
    "inactive destination": (
        transfer(destination="acct_off"), 400, "insufficient_capabilities_for_transfer", None,
    ),
    "no such destination": (
        transfer(destination="acct_no"), 400, "resource_missing", "destination",
    ),
    "source in another currency": (
        transfer(source_transaction="ch_1", currency="eur"), 400, None, "currency",
    ),
    "source too small": (transfer(source_transaction="ch_1", amount=5001), 400, None, "amount"),
    "unknown payment looked up": (
        lambda client: client.v1.payment_intents.retrieve("pi_no"), 404, "resource_missing", "id",
    ),
    "unknown filter": (
        lambda client: client.v1.refunds.list({"colour": "red"}),
        400, "parameter_unknown", "colour",
    ),
    "address not served": (
        lambda client: client.v1.payouts.create({"amount": 1, "currency": "usd"}), 404, None, None,
    ),
}  # fmt: skip


@pytest.fixture
def troubled(double):
    double.seed(
        {
            "customers": [{"id": "cus_alice", "currency": "usd"}],
            "accounts": [{"id": "acct_1"}, {"id": "acct_off", "active": False}],
            "available": {"usd": 500},
            "payments": [
                {"id": "pi_1", "amount": 5000},
                {"id": "pi_gone", "amount": 5000, "amount_refunded": 5000},
                {"id": "pi_part", "amount": 5000, "amount_refunded": 1000},
                {"id": "pi_disputed", "amount": 5000},
                {"id": "pi_unpaid", "amount": 5000, "status": "requires_payment_method"},
            ],
        }
    )
    double.dispute("pi_disputed")


@pytest.mark.usefixtures("troubled")
@pytest.mark.parametrize(("send", "status", "code", "param"), REFUSALS.values(), ids=list(REFUSALS))
def test_refused_and_nothing_moves(client, double, send, status, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(client)

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (
        status, code, param,
    )  # fmt: skip
    assert refused.value.request_id == double.requests[-1].id
    assert double.effects() == []
