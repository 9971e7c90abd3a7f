"""Each way to go wrong: what the client sees, whether money moved, what the key answers afterwards."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import stripe

from tests.doubles.stripe import Kind, StripeDouble
from tests.doubles.stripe.client import connected

KEY = {"idempotency_key": "key-1"}
SHORT = 0.25


@pytest.fixture
def double():
    with StripeDouble() as running:
        running.seed_payment(id="pi_1", amount=5000)
        yield running


@pytest.fixture
def client(double):
    with connected(double.url, read_timeout=SHORT) as connection:
        yield connection


def refund(client, **options):
    return client.v1.refunds.create({"payment_intent": "pi_1", "amount": 1000}, {**KEY, **options})


@dataclass(frozen=True)
class Case:
    """`again`: the status of the same request a second time. `effects`: after the first, after both."""

    sees: type[stripe.StripeError] | None
    status: int | None
    effects: tuple[int, int]
    again: int
    replayed: bool


LOST = stripe.APIConnectionError
CASES = {
    "reset_before": Case(LOST, None, (0, 1), 200, replayed=False),
    "reset_after": Case(LOST, None, (1, 1), 200, replayed=True),
    "hang_before": Case(LOST, None, (0, 1), 200, replayed=False),
    "hang_after": Case(LOST, None, (1, 1), 200, replayed=True),
    "error_before": Case(stripe.APIError, 503, (0, 1), 200, replayed=False),
    "error_saved": Case(stripe.APIError, 500, (0, 0), 500, replayed=True),
    "error_after": Case(stripe.APIError, 500, (1, 1), 500, replayed=True),
    "error_after_edge": Case(stripe.APIError, 502, (1, 1), 200, replayed=True),
    "truncate_after": Case(LOST, None, (1, 1), 200, replayed=True),
    "forget_key": Case(None, 200, (1, 2), 200, replayed=False),
}


@pytest.mark.parametrize(("kind", "case"), CASES.items(), ids=list(CASES))
def test_what_is_seen_done_and_remembered(client, double, kind, case):
    double.fault(kind, method="POST", path="/v1/refunds")

    error = failure(client)
    after_first = len(double.effects())
    failure(client)

    assert type(error) is (case.sees or type(None))
    assert error is None or error.http_status == case.status
    assert (after_first, len(double.effects())) == case.effects
    second = double.requests[-1]
    assert (second.status, second.replayed, second.fault) == (case.again, case.replayed, "")


def failure(client):
    try:
        refund(client)
    except stripe.StripeError as error:
        return error
    return None


def test_a_slow_request_acts_after_the_client_gave_up(client, double):
    slow = double.fault("slow")
    assert isinstance(failure(client), LOST)
    assert double.effects() == []

    with connected(double.url) as other, ThreadPoolExecutor(1) as pool:
        slow.release()
        # The first is let go but may not have finished: until then the key is in use.
        made = pool.submit(wait_for_answer, other).result(5)

    assert [effect["id"] for effect in double.effects()] == [made.id]


def wait_for_answer(client):
    while True:
        try:
            return refund(client)
        except stripe.APIError as conflict:
            assert conflict.http_status == 409  # noqa: PT017


def test_every_kind_has_a_case():
    assert {*CASES, "slow"} == set(Kind)


def test_half_an_answer_looks_final_to_the_client_and_is_not(client, double):
    double.fault("truncate_after")

    error = failure(client)

    assert error.should_retry is False
    assert len(double.effects()) == 1


def test_a_reset_is_a_real_one(client, double):
    double.fault("reset_after")

    assert "reset" in str(failure(client)).lower()


@pytest.mark.parametrize(
    ("status", "given", "sees", "code"),
    [
        (429, {}, stripe.RateLimitError, "rate_limit"),
        (429, {"code": "lock_timeout"}, stripe.RateLimitError, "lock_timeout"),
        (409, {}, stripe.APIError, "idempotency_key_in_use"),
        (503, {}, stripe.APIError, None),
        (403, {}, stripe.PermissionError, None),
        (401, {}, stripe.AuthenticationError, None),
        (402, {"code": "card_declined"}, stripe.CardError, "card_declined"),
    ],
)
def test_an_error_on_demand(client, double, status, given, sees, code):
    double.fault("error_before", status=status, **given)

    error = failure(client)

    assert (type(error), error.http_status, error.error.code) == (sees, status, code)


def test_an_error_can_say_when_to_come_back(client, double):
    double.fault("error_before", status=429, retry_after=7, should_retry=True)

    error = failure(client)

    assert error.headers["Retry-After"] == "7"
    assert error.headers["Stripe-Should-Retry"] == "true"


def test_the_clients_own_retries_keep_the_key(client, double):
    double.fault("error_before", count=1)

    refund(client, max_network_retries=1)

    assert [row.idempotency_key for row in double.requests] == ["key-1", "key-1"]
    assert len(double.effects()) == 1


# Which request is hit


def statuses(client, double, requests):
    for _ in range(requests):
        with contextlib.suppress(stripe.StripeError):
            client.v1.refunds.list()
    return [row.status for row in double.requests]


def test_skip_lets_some_through_and_count_hits_so_many(client, double):
    double.fault("error_before", skip=1, count=2)

    assert statuses(client, double, 5) == [200, 503, 503, 200, 200]


def test_without_a_count_all_are_hit_until_cleared(client, double):
    double.fault("error_before", count=None)
    statuses(client, double, 2)
    double.clear_faults()

    assert statuses(client, double, 1) == [503, 503, 200]


def test_only_the_named_method_and_path_are_hit(client, double):
    double.fault("error_before", method="POST", path="/v1/refunds", count=None)
    double.fault("error_before", path="/v1/customers/*/balance_transactions", count=None)

    assert statuses(client, double, 1) == [200]
    assert failure(client).http_status == 503
    with pytest.raises(stripe.APIError):
        client.v1.customers.balance_transactions.list("cus_1")


def test_reads_go_wrong_too(client, double):
    double.fault("truncate_after", method="GET")

    with pytest.raises(LOST):
        client.v1.refunds.list()


def test_chance_hits_some_and_can_be_repeated():
    def run(seed):
        with StripeDouble(seed=seed) as double, connected(double.url) as client:
            double.fault("error_before", probability=0.5, count=None)
            return statuses(client, double, 30)

    first = run(1)

    assert 5 < first.count(503) < 25
    assert run(1) == first
    assert run(2) != first


def test_a_fault_counts_its_hits_and_the_log_names_it(client, double):
    fault = double.fault("reset_before")
    failure(client)

    assert fault.hits == 1
    assert (double.requests[0].fault, double.requests[0].status) == ("reset_before", None)


@pytest.mark.parametrize(
    "wrong", [{"probability": 2}, {"seconds": -1}, {"status": 200}, {"kind": "explode"}]
)
def test_a_fault_that_makes_no_sense_is_refused(double, wrong):
    with pytest.raises(ValueError, match=r"."):
        double.fault(**{"kind": "slow", **wrong})


# The server as a whole


def test_offline_refuses_connections_and_keeps_everything(client, double):
    made = refund(client)

    with double.offline():
        assert isinstance(failure(client), LOST)

    assert refund(client).id == made.id


def test_stopping_does_not_wait_for_a_hanging_request():
    with StripeDouble() as double, connected(double.url) as client:
        double.fault("hang_before", seconds=600)
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(failure_of_list, client)
            double.wait_for_requests(1)
            double.stop()
            assert isinstance(hanging.result(5), LOST)


def failure_of_list(client):
    try:
        client.v1.refunds.list()
    except stripe.StripeError as error:
        return error
    return None


def test_a_double_that_breaks_fails_the_test():
    double = StripeDouble()
    double.seed_payment(id="pi_1")
    del double.world.platform.tables["charges"]["ch_1"]["amount"]

    with (
        pytest.raises(AssertionError, match="KeyError: 'amount'"),
        double,
        connected(double.url) as client,
    ):
        assert failure(client).http_status == 500
