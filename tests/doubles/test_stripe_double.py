"""What the double holds, answers and refuses, seen through the real client."""

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


@pytest.fixture
def payment(double):
    double.seed_customer(id="cus_alice", name="Alice", email="alice@example.com")
    return double.seed_payment(
        id="pi_1",
        customer="cus_alice",
        card={"brand": "amex", "last4": "0005"},
        email="a@example.com",
    )


# Look-ups


def test_a_seeded_payment_is_found_with_its_charge(client, payment):
    found = client.v1.payment_intents.retrieve(payment, {"expand": ["latest_charge"]})

    assert (found.amount, found.currency, found.status) == (5000, "usd", "succeeded")
    assert found.latest_charge.payment_method_details.card.last4 == "0005"
    assert found.latest_charge.amount_refunded == 0


def test_without_expand_the_charge_is_only_an_id(client, payment):
    assert client.v1.payment_intents.retrieve(payment).latest_charge == "ch_1"


def test_expand_reaches_into_lists_and_through_objects(client, payment):
    listed = client.v1.payment_intents.list(
        {"customer": "cus_alice", "expand": ["data.latest_charge.customer"]}
    )

    assert listed.data[0].latest_charge.customer.name == "Alice"


def test_expanding_does_not_change_what_is_stored(client, payment):
    client.v1.payment_intents.retrieve(payment, {"expand": ["latest_charge"]})

    assert client.v1.payment_intents.retrieve(payment).latest_charge == "ch_1"


def test_a_payment_carries_what_a_careless_page_would_leak(client, payment):
    found = client.v1.payment_intents.retrieve(payment, {"expand": ["latest_charge"]})

    assert found.client_secret.startswith("pi_1_secret_")
    assert found.latest_charge.billing_details.email == "a@example.com"
    assert found.latest_charge.payment_method_details.card.fingerprint


def test_an_unpaid_payment_has_no_charge(client, double):
    unpaid = double.seed_payment(status="requires_payment_method")

    assert client.v1.payment_intents.retrieve(unpaid).latest_charge is None


def test_lists_come_newest_first_and_in_pages(client, double):
    for number in range(5):
        double.seed_payment(id=f"pi_{number}", created=1_000 + number)

    first = client.v1.payment_intents.list({"limit": 2})
    second = client.v1.payment_intents.list({"limit": 2, "starting_after": "pi_3"})
    last = client.v1.payment_intents.list({"limit": 2, "starting_after": "pi_1"})
    back = client.v1.payment_intents.list({"limit": 2, "ending_before": "pi_1"})

    assert [row.id for row in first.data] == ["pi_4", "pi_3"]
    assert [row.id for row in second.data] == ["pi_2", "pi_1"]
    assert [row.id for row in last.data] == ["pi_0"]
    assert [row.id for row in back.data] == ["pi_3", "pi_2"]
    assert [first.has_more, second.has_more, last.has_more, back.has_more] == [
        True, True, False, True,
    ]  # fmt: skip


def test_the_later_of_one_second_comes_first(client, double):
    double.seed_payment(id="pi_a", created=1_000)
    double.seed_payment(id="pi_b", created=1_000)

    assert [row.id for row in client.v1.payment_intents.list().data] == ["pi_b", "pi_a"]


def test_the_client_pages_through_everything(client, double):
    for number in range(25):
        double.seed_payment(id=f"pi_{number}")

    assert len(list(client.v1.payment_intents.list().auto_paging_iter())) == 25


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ({"gte": 1_001}, ["pi_2", "pi_1"]),
        ({"gt": 1_001}, ["pi_2"]),
        ({"lt": 1_001}, ["pi_0"]),
        ({"lte": 1_001, "gte": 1_001}, ["pi_1"]),
        (1_002, ["pi_2"]),
    ],
)
def test_lists_can_be_narrowed_by_time(client, double, created, expected):
    for number in range(3):
        double.seed_payment(id=f"pi_{number}", created=1_000 + number)

    listed = client.v1.payment_intents.list({"created": created})

    assert [row.id for row in listed.data] == expected


def test_customers_are_found_by_email(client, double, payment):
    double.seed_customer(id="cus_bob", email="bob@example.com")

    listed = client.v1.customers.list({"email": "bob@example.com"})

    assert [row.id for row in listed.data] == ["cus_bob"]


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"limit": "many"}])
def test_a_limit_out_of_range_is_refused(client, params):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.list(params)

    assert refused.value.param == "limit"


# Refunds


def test_a_refund_moves_money_once(client, double, payment):
    refund = client.v1.refunds.create(
        {
            "payment_intent": payment,
            "amount": 1500,
            "reason": "requested_by_customer",
            "metadata": {"execution": "7"},
        },
        {"idempotency_key": "key-1"},
    )

    assert (refund.status, refund.amount, refund.charge) == ("succeeded", 1500, "ch_1")
    effect = double.effects("refund")[0]
    assert (effect["id"], effect["amount"], effect["currency"]) == (refund.id, 1500, "usd")
    assert (effect["on"], effect["idempotency_key"]) == (payment, "key-1")
    assert effect["metadata"] == {"execution": "7"}
    assert double.find("charges", "ch_1")["amount_refunded"] == 1500


def test_partial_refunds_add_up_to_a_refunded_charge(client, double, payment):
    client.v1.refunds.create({"payment_intent": payment, "amount": 2000})
    assert double.find("charges", "ch_1")["refunded"] is False

    client.v1.refunds.create({"charge": "ch_1"})

    charge = double.find("charges", "ch_1")
    assert (charge["amount_refunded"], charge["refunded"]) == (5000, True)


def test_our_own_refund_is_found_by_payment_and_metadata(client, double, payment):
    other = double.seed_payment(id="pi_2")
    client.v1.refunds.create({"payment_intent": other, "amount": 1})
    made = client.v1.refunds.create({"payment_intent": payment, "metadata": {"execution": "7"}})

    listed = client.v1.refunds.list({"payment_intent": payment})

    assert [(row.id, row.metadata["execution"]) for row in listed.data] == [(made.id, "7")]


def test_a_refund_is_announced(client, double, payment):
    refund = client.v1.refunds.create({"payment_intent": payment})

    listed = client.v1.events.list({"types": ["refund.created", "charge.refunded"]})

    assert [row.type for row in listed.data] == ["charge.refunded", "refund.created"]
    assert listed.data[1].data.object.id == refund.id


def test_a_pending_refund_arrives_later(client, double):
    payment = double.seed_payment(refund_status="pending")
    refund = client.v1.refunds.create({"payment_intent": payment})
    assert refund.status == "pending"

    double.complete_refund(refund.id)

    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_refund_that_fails_days_later_can_be_made_again(client, double, payment):
    refund = client.v1.refunds.create({"payment_intent": payment})

    double.fail_refund(refund.id)

    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert double.events("refund.failed")[0]["data"]["object"]["id"] == refund.id
    assert client.v1.refunds.create({"payment_intent": payment}).amount == 5000


# Credits


def test_a_negative_amount_is_a_credit(client, double, payment):
    made = client.v1.customers.balance_transactions.create(
        "cus_alice", {"amount": -700, "currency": "USD", "metadata": {"execution": "8"}}
    )

    assert (made.amount, made.ending_balance, made.currency) == (-700, -700, "usd")
    assert client.v1.customers.retrieve("cus_alice").balance == -700
    assert double.effects("balance_transaction")[0]["amount"] == -700


def test_credits_are_listed_under_their_customer_only(client, double, payment):
    double.seed_customer(id="cus_bob")
    credit = {"amount": -1, "currency": "usd"}
    client.v1.customers.balance_transactions.create("cus_bob", credit)
    made = client.v1.customers.balance_transactions.create("cus_alice", credit)

    listed = client.v1.customers.balance_transactions.list("cus_alice")

    assert [row.id for row in listed.data] == [made.id]
    assert client.v1.customers.balance_transactions.retrieve("cus_alice", made.id).amount == -1


# Transfers


@pytest.fixture
def destination(double):
    double.seed_available(10_000)
    return double.seed_account(id="acct_1", name="Supplier")


def test_a_transfer_takes_from_the_available_balance(client, double, destination):
    made = client.v1.transfers.create(
        {"amount": 4_000, "currency": "usd", "destination": destination, "transfer_group": "g1"}
    )

    assert (made.amount, made.destination, made.reversed) == (4_000, "acct_1", False)
    assert client.v1.balance.retrieve().available[0].amount == 6_000
    assert double.effects("transfer")[0]["on"] == "acct_1"
    listed = client.v1.transfers.list({"destination": destination, "created": {"gte": 0}})
    assert [row.id for row in listed.data] == [made.id]


def test_a_transfer_out_of_a_charge_needs_no_balance(client, double, payment):
    double.seed_account(id="acct_1")

    made = client.v1.transfers.create(
        {"currency": "usd", "destination": "acct_1", "source_transaction": "ch_1"}
    )

    assert made.amount == 5000


def test_a_transfer_is_taken_back_at_stripes_initiative(client, double, destination):
    made = client.v1.transfers.create({"amount": 4_000, "currency": "usd", "destination": "acct_1"})

    double.reverse_transfer(made.id, 1_000)
    assert client.v1.transfers.retrieve(made.id).amount_reversed == 1_000
    double.reverse_transfer(made.id)

    found = client.v1.transfers.retrieve(made.id)
    assert (found.amount_reversed, found.reversed) == (4_000, True)
    assert len(double.events("transfer.reversed")) == 2


# Accounts


def test_a_connected_account_has_books_of_its_own(client, double):
    double.seed_account(id="acct_1")
    double.seed_payment(id="pi_theirs", account="acct_1")

    found = client.v1.payment_intents.retrieve("pi_theirs", None, {"stripe_account": "acct_1"})

    assert found.id == "pi_theirs"
    assert double.requests[-1].account == "acct_1"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve("pi_theirs")


def test_an_account_that_is_not_ours_is_forbidden(client):
    with pytest.raises(stripe.PermissionError):
        client.v1.payment_intents.list(None, {"stripe_account": "acct_foreign"})


# The log and the clock


def test_the_log_says_who_asked_for_what(client, double, payment):
    client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": "key-1"})

    row = double.requests[-1]

    assert (row.method, row.path, row.status) == ("POST", "/v1/refunds", 200)
    assert (row.params, row.idempotency_key) == ({"payment_intent": payment}, "key-1")
    assert (row.api_key, row.version) == ("sk_test_double", "2026-10-28.endive")


def test_objects_are_stamped_with_the_doubles_own_clock():
    with StripeDouble(now=lambda: 1_234.9) as double, connected(double.url) as client:
        payment = double.seed_payment()

        assert client.v1.refunds.create({"payment_intent": payment}).created == 1_234


def test_a_seed_that_exists_already_stays_as_it_is(client, double, payment):
    client.v1.refunds.create({"payment_intent": payment, "amount": 1})

    counts = double.seed({"payments": [{"id": "pi_1", "amount": 9}], "available": {"usd": 5}})

    assert counts["payments"] == 0
    found = double.find("charges", "ch_1")
    assert (found["amount"], found["amount_refunded"]) == (5000, 1)


@pytest.mark.parametrize(
    "seeds",
    [
        {"payment": []},
        {"payments": [{"id": "pi_1"}]},
        {"payments": [{"id": "pi_1", "amount": 1, "colour": "red"}]},
        {"payments": [{"id": "pi_1", "amount": "50.00"}]},
        {"payments": [{"id": "pi_1", "amount": 1, "customer": "cus_no"}]},
    ],
)
def test_a_seed_that_makes_no_sense_is_refused(double, seeds):
    with pytest.raises(ValueError, match=r"."):
        double.seed(seeds)
