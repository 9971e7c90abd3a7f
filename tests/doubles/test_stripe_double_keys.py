"""What the double remembers under an idempotency key, seen through the real client."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.doubles.stripe import StripeDouble
from tests.doubles.stripe.client import connected

KEY = {"idempotency_key": "key-1"}


@pytest.fixture
def double():
    with StripeDouble() as running:
        running.seed_payment(id="pi_1", amount=5000)
        yield running


@pytest.fixture
def client(double):
    with connected(double.url) as connection:
        yield connection


def refund(client, amount=1000, **options):
    return client.v1.refunds.create(
        {"payment_intent": "pi_1", "amount": amount}, {**KEY, **options}
    )


def headers(made):
    return made.last_response.headers


def test_the_same_key_gives_the_same_answer_and_moves_nothing(client, double):
    first = refund(client)
    again = refund(client)

    assert again.last_response.body == first.last_response.body
    assert len(double.effects()) == 1


def test_a_replay_says_so_and_names_the_first_request(client, double):
    first = refund(client)
    again = refund(client)

    assert "Idempotent-Replayed" not in headers(first)
    assert headers(again)["Idempotent-Replayed"] == "true"
    assert headers(again)["Original-Request"] == first.last_response.request_id
    assert headers(again)["Request-Id"] == double.requests[-1].id
    assert [row.replayed for row in double.requests] == [False, True]


def test_a_replay_shows_the_object_as_it_was_then(client, double):
    first = refund(client)
    double.fail_refund(first.id)

    assert refund(client).status == "succeeded"


def test_without_a_key_of_ours_each_request_counts(client, double):
    for _ in range(2):
        client.v1.refunds.create({"payment_intent": "pi_1", "amount": 1000})

    assert len(double.effects()) == 2


@pytest.mark.parametrize(
    "params",
    [
        {"payment_intent": "pi_1", "amount": 999},
        {"payment_intent": "pi_1"},
        {"payment_intent": "pi_1", "amount": 1000, "metadata": {"a": "b"}},
    ],
)
def test_the_same_key_with_other_parameters_is_an_error(client, double, params):
    refund(client)

    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.refunds.create(params, KEY)

    assert refused.value.http_status == 400
    assert len(double.effects()) == 1


def test_the_same_key_at_another_address_is_an_error(client, double):
    credit = {"amount": -1000, "currency": "usd"}
    for customer in ("cus_alice", "cus_bob"):
        double.seed_customer(id=customer)
    client.v1.customers.balance_transactions.create("cus_alice", credit, KEY)

    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.balance_transactions.create("cus_bob", credit, KEY)


def test_the_order_of_parameters_does_not_matter(client, double):
    client.v1.refunds.create({"payment_intent": "pi_1", "amount": 1000}, KEY)
    client.v1.refunds.create({"amount": 1000, "payment_intent": "pi_1"}, KEY)

    assert len(double.effects()) == 1


def test_a_key_belongs_to_one_api_key(client, double):
    refund(client)
    with connected(double.url, key="rk_test_other") as other:
        refund(other)

    assert len(double.effects()) == 2


def test_a_key_belongs_to_one_account(client, double):
    double.seed_account(id="acct_1")
    double.seed_payment(id="pi_1", account="acct_1")

    refund(client)
    refund(client, stripe_account="acct_1")

    assert [effect["account"] for effect in double.effects()] == ["", "acct_1"]


def test_a_key_in_use_is_a_conflict_that_nothing_remembers(client, double):
    slow = double.fault("slow", path="/v1/refunds")
    with ThreadPoolExecutor(1) as pool, connected(double.url) as other:
        first = pool.submit(refund, other)
        double.wait_for_requests(1)
        with pytest.raises(stripe.APIError) as refused:
            refund(client)
        slow.release()
        made = first.result(5)

    assert type(refused.value) is stripe.APIError
    assert refused.value.http_status == 409
    assert "idempotency_key_in_use" in str(refused.value.http_body)
    assert refund(client).id == made.id
    assert len(double.effects()) == 1


def test_eight_at_once_with_one_key_move_money_once(double):
    start = threading.Barrier(8)

    def send(_):
        with connected(double.url) as client:
            start.wait(5)
            try:
                return refund(client).id
            except stripe.APIError as conflict:
                return conflict.http_status

    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(send, range(8)))

    assert len(double.effects()) == 1
    assert seen - {409} == {double.effects()[0]["id"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"payment_intent": "pi_1", "note": "x"},
        {"payment_intent": "pi_1", "amount": "much"},
        {"amount": 1000},
    ],
)
def test_an_invalid_request_does_not_use_up_its_key(client, double, wrong):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create(wrong, KEY)

    assert refund(client).status == "succeeded"


def test_a_wrong_api_key_does_not_use_up_the_key(client, double):
    with connected(double.url, key="nonsense") as other, pytest.raises(stripe.AuthenticationError):
        refund(other)

    assert refund(client).status == "succeeded"


def test_a_refusal_by_the_endpoint_is_remembered(client, double):
    with pytest.raises(stripe.InvalidRequestError):
        refund(client, 6000)
    first = double.requests[-1]

    with pytest.raises(stripe.InvalidRequestError) as again:
        refund(client, 6000)

    assert dict(again.value.headers or {})["Original-Request"] == first.id


def test_a_remembered_refusal_stays_when_its_reason_is_gone(client, double):
    double.seed_account(id="acct_1")
    asked = {"amount": 100, "currency": "usd", "destination": "acct_1"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="insufficient"):
            client.v1.transfers.create(asked, KEY)
        double.seed_available(1_000)

    assert client.v1.transfers.create(asked, {"idempotency_key": "key-2"}).amount == 100


@pytest.mark.parametrize(("length", "accepted"), [(255, True), (256, False)])
def test_a_key_has_at_most_255_characters(client, double, length, accepted):
    try:
        refund(client, idempotency_key="k" * length)
    except stripe.InvalidRequestError:
        assert not accepted
    assert len(double.effects()) == accepted


def test_after_a_day_the_same_key_moves_money_again(client, double):
    refund(client)

    assert double.prune_keys() == 1
    refund(client)

    assert len(double.effects()) == 2


def test_only_old_keys_are_forgotten():
    moment = [0.0]
    with StripeDouble(now=lambda: moment[0]) as double, connected(double.url) as client:
        double.seed_payment(id="pi_1")
        refund(client)
        moment[0] = 23 * 3600.0
        assert double.prune_keys(24 * 3600) == 0
        moment[0] = 25 * 3600.0
        assert double.prune_keys(24 * 3600) == 1


def test_a_key_in_use_is_not_forgotten(client, double):
    slow = double.fault("slow")
    with ThreadPoolExecutor(1) as pool, connected(double.url) as other:
        first = pool.submit(refund, other)
        double.wait_for_requests(1)
        pruned = double.prune_keys()
        slow.release()
        first.result(5)

    assert pruned == 0
