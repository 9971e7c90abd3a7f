"""What Stripe shows of a step whose answer got lost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tasks.contrib.stripe_payments import client as our
from tasks.contrib.stripe_payments import find_refund, find_transfer, money, refund, transfer
from tasks.declaration.errors import OutcomeUnknown
from tasks.declaration.look_up import Sent
from tasks.parameters import Money

KEY, OLDER = "bo-1.2-refund", "bo-1-refund"
TEN = Money(Decimal("10.00"), "USD")


@pytest.fixture
def payment(double):
    return double.seed_payment(id="pi_1", amount=5000, name="Canary Name")


@pytest.fixture
def sent():
    return Sent("refund", [KEY, OLDER], since=datetime.now(UTC) - timedelta(hours=1))


def refund_ten(key=KEY):
    return refund("pi_1", TEN, key=key, reason="duplicate")


@pytest.mark.parametrize("key", [KEY, OLDER])
def test_a_refund_is_found_by_any_of_its_keys_with_the_answer_that_was_lost(payment, sent, key):
    answer = refund_ten(key)
    found = find_refund("pi_1", sent)
    assert (found.happened, found.answer) == (True, answer)
    assert (found.facts["Number"], found.facts["Key"]) == (answer["id"], key)


def test_a_refund_of_somebody_else_is_not_ours(payment, sent):
    refund_ten("bo-2-refund")
    found = find_refund("pi_1", sent)
    assert (found.happened, found.facts, found.answer) == (False, {}, None)


def test_nothing_but_harmless_fields_is_shown(payment, sent):
    refund_ten()
    found = find_refund("pi_1", sent)
    assert found.facts.keys() == {"Number", "Status", "Amount", "Made", "Key"}
    assert "Canary" not in repr(found)


def test_a_refund_that_failed_later_did_not_happen(double, payment, sent):
    double.fail_refund(refund_ten()["id"])
    found = find_refund("pi_1", sent)
    assert (found.happened, found.answer) == (False, None)
    assert "failed" in found.what


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_a_refund_that_is_not_finished_is_no_proof_until_it_is(double, sent, status):
    double.seed_payment(id="pi_1", amount=5000, refund_status=status)
    with pytest.raises(OutcomeUnknown, match=f"its status is {status}") as unknown:
        refund_ten()
    assert not unknown.value.same_key
    assert find_refund("pi_1", sent).happened is None
    double.complete_refund(double.effects("refund")[0]["id"])
    found = find_refund("pi_1", sent)
    assert (found.happened, found.answer["status"]) == (True, "succeeded")


def test_a_transfer_is_found_by_its_key(double, sent):
    account = double.seed_account()
    double.seed_available(5000)
    answer = transfer(account, TEN, key=KEY)
    assert find_transfer(account, sent).answer == answer


def test_more_than_is_shown_at_once_is_no_proof(payment, sent, monkeypatch):
    for number in range(3):
        refund_ten(f"bo-{number}-other")
    monkeypatch.setattr(money, "NEWEST", 2)
    assert find_refund("pi_1", sent).happened is None


def test_more_than_is_shown_at_once_is_proof_when_the_rest_is_older(payment, monkeypatch):
    for number in range(3):
        refund_ten(f"bo-{number}-other")
    monkeypatch.setattr(money, "NEWEST", 2)
    sent = Sent("refund", [KEY], since=datetime.now(UTC) + timedelta(hours=1))
    assert find_refund("pi_1", sent).happened is False


@pytest.mark.parametrize("fault", ["hang_before", "error_before"])
def test_a_stripe_that_does_not_answer_is_no_proof(double, payment, sent, fault, monkeypatch):
    monkeypatch.setattr(our, "TIMEOUT_OF_A_LOOK", (1, 0.3))
    double.fault(fault, path="/v1/refunds", method="GET")
    found = find_refund("pi_1", sent)
    assert found.happened is None
    assert "could not be reached" in found.what
