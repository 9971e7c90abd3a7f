"""Refunds, transfers and look-ups: our code, the real client, and a Stripe that breaks. S8, S25."""

import logging
from decimal import Decimal

import pytest

from tasks.contrib.stripe_payments import amounts, find_payment, refund, transfer
from tasks.contrib.stripe_payments import client as our
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.parameters import Money

KEY = "bo-1-refund"
TEN = Money(Decimal("10.00"), "USD")


@pytest.fixture
def payment(double):
    return double.seed_payment(
        id="pi_1",
        amount=5000,
        name="Canary Name",
        email="canary@example.com",
        description="canary description",
        metadata={"note": "canary note"},
        card={"brand": "visa", "last4": "4242"},
        created=1_700_000_000,
    )


@pytest.fixture
def impatient(monkeypatch):
    """Waits for an answer a third of a second instead of half a minute."""
    monkeypatch.setattr(our, "TIMEOUT", (1, 0.3))


def refund_ten(key=KEY):
    return refund("pi_1", TEN, key=key, reason="duplicate")


def test_a_refund_says_what_was_made(double, payment):
    answer = refund_ten()
    (effect,) = double.effects("refund")
    assert answer == {
        "id": effect["id"],
        "status": "succeeded",
        "amount": "10.00",
        "currency": "USD",
    }


def test_a_refund_is_sent_in_minor_units_under_its_key(double, payment):
    refund_ten()
    (effect,) = double.effects("refund")
    assert (effect["amount"], effect["idempotency_key"]) == (1000, KEY)


def test_currencies_without_cents_are_not_multiplied(double):
    double.seed_payment(id="pi_1", amount=5000, currency="jpy")
    refund("pi_1", Money(Decimal(300), "JPY"), key=KEY, reason="duplicate")
    assert double.effects("refund")[0]["amount"] == 300


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("5000", "MGA", 5000),  # whole units, though ISO 4217 has hundredths
        ("5000", "UGX", 500_000),  # hundredths, though ISO 4217 has none
        ("5000", "ISK", 500_000),
        ("5000", "JPY", 5000),
        ("5.120", "KWD", 5120),
        ("5000", "HUF", 500_000),
        ("5000", "TWD", 500_000),
    ],
)
def test_an_amount_is_sent_and_read_as_stripe_counts_it(double, amount, currency, units):
    double.seed_payment(id="pi_1", amount=2 * units, currency=currency.lower())
    money = Money(Decimal(amount), currency)
    answer = refund("pi_1", money, key=KEY, reason="duplicate")
    assert double.effects("refund")[0]["amount"] == units
    assert (Decimal(answer["amount"]), answer["currency"]) == (money.amount, currency)
    found = find_payment("pi_1")
    assert (found.amount, found.refunded) == (Money(2 * money.amount, currency), money)


@pytest.mark.parametrize(
    ("amount", "currency", "why"),
    [
        ("5.125", "KWD", "Stripe takes KWD only in multiples of 0.01. Nothing was sent."),
        ("5000.50", "MGA", "Stripe takes MGA only in multiples of 1. Nothing was sent."),
        ("5.000", "IQD", "Stripe does not handle IQD here, so nothing was sent."),
    ],
)
def test_what_stripe_would_not_take_is_refused_before_it_is_sent(double, amount, currency, why):
    money = Money(Decimal(amount), currency)
    with pytest.raises(Refused, match=why):
        refund("pi_1", money, key=KEY, reason="duplicate")
    with pytest.raises(Refused, match=why):
        transfer("acct_1", money, key=KEY)
    assert double.requests == []


def test_every_currency_of_stripe_comes_back_as_it_was_sent():
    for code in amounts._PLACES:
        for units in (0, 100, 12_300, 99_999_900):
            assert amounts.units_of(amounts.money_of(units, code.lower())) == units


def test_a_payment_in_a_currency_that_is_not_known_is_said(double):
    double.seed_payment(id="pi_1", amount=5000, currency="xyz")
    with pytest.raises(Refused, match="Stripe shows 5000 in XYZ"):
        find_payment("pi_1")


def test_the_same_key_refunds_once(double, payment):
    assert refund_ten() == refund_ten()
    assert len(double.effects("refund")) == 1


def test_too_large_a_refund_is_refused_after_a_look(double, payment):
    with pytest.raises(Refused) as refusal:
        refund("pi_1", Money(Decimal("50.01"), "USD"), key=KEY, reason="duplicate")
    assert refusal.value.looked_up


@pytest.mark.parametrize("kind", ["reset_after", "truncate_after"])
def test_a_lost_answer_leaves_the_outcome_unknown(double, payment, kind):
    double.fault(kind, path="/v1/refunds", method="POST")
    with pytest.raises(OutcomeUnknown):
        refund_ten()


def test_silence_leaves_the_outcome_unknown(double, payment, impatient):
    double.fault("hang_after", path="/v1/refunds", method="POST")
    with pytest.raises(OutcomeUnknown):
        refund_ten()


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncate_after"])
def test_after_a_lost_answer_the_same_key_finishes_the_refund_once(double, payment, kind):
    double.fault(kind, path="/v1/refunds", method="POST")
    with pytest.raises(OutcomeUnknown):
        refund_ten()
    assert refund_ten()["amount"] == "10.00"
    assert len(double.effects("refund")) == 1


@pytest.mark.parametrize("kind", ["error_after", "error_after_edge"])
def test_a_refund_behind_a_server_error_is_found_by_its_mark(double, payment, kind):
    double.fault(kind, path="/v1/refunds", method="POST")
    assert refund_ten()["id"] == double.effects("refund")[0]["id"]


def test_a_server_error_without_a_refund_stays_unknown(double, payment):
    double.fault("error_saved", path="/v1/refunds", method="POST")
    with pytest.raises(OutcomeUnknown):
        refund_ten()


def test_our_own_earlier_refund_is_not_taken_for_a_refusal(double, payment):
    # More than a day later Stripe has forgotten the key: to it this is a second refund, of nothing.
    whole = Money(Decimal("50.00"), "USD")
    first = refund("pi_1", whole, key=KEY, reason="duplicate")
    double.prune_keys()
    assert refund("pi_1", whole, key=KEY, reason="duplicate") == first


def test_somebody_elses_refund_is_not_taken_for_ours(double, payment):
    whole = Money(Decimal("50.00"), "USD")
    refund("pi_1", whole, key="bo-other-refund", reason="duplicate")
    with pytest.raises(Refused, match="already been refunded in full"):
        refund("pi_1", whole, key=KEY, reason="duplicate")


def test_a_key_with_other_values_is_a_fault_and_not_an_answer(double, payment):
    refund_ten()
    with pytest.raises(OutcomeUnknown, match="other values"):
        refund("pi_1", Money(Decimal("11.00"), "USD"), key=KEY, reason="duplicate")


def test_a_refusal_that_could_not_be_looked_up_says_so(double, payment):
    double.fault("error_before", status=503, path="/v1/refunds", method="GET")
    with pytest.raises(Refused) as refusal:
        refund("pi_1", Money(Decimal("50.01"), "USD"), key=KEY, reason="duplicate")
    assert not refusal.value.looked_up


def test_a_busy_stripe_is_asked_again_later(double, payment):
    double.fault("error_before", status=429, path="/v1/refunds", method="POST")
    with pytest.raises(Busy, match="busy"):
        refund_ten()


def test_a_busy_stripe_says_nothing_about_an_earlier_call(double, payment):
    """It is turned down before its key is looked at, so that call may still be at work."""
    double.fault("error_before", status=429, path="/v1/refunds", method="POST")
    with pytest.raises(Busy) as refusal:
        refund_ten()
    assert not refusal.value.looked_up


def test_a_refund_that_fails_at_the_bank_is_refused(double):
    double.seed_payment(id="pi_1", amount=5000, refund_status="failed")
    with pytest.raises(Refused, match="could not send the money back"):
        refund_ten()


def test_nothing_is_sent_without_a_key_for_stripe(double, payment, settings):
    settings.STRIPE_API_KEY = ""
    with pytest.raises(Refused, match="STRIPE_API_KEY"):
        refund_ten()
    settings.STRIPE_API_KEY = "sk_test_double"
    assert double.requests == []


def test_a_transfer_reaches_the_account(double):
    double.seed_account(id="acct_1")
    double.seed_available(5000)
    answer = transfer("acct_1", TEN, key="bo-1-transfer", memo="This week")
    (effect,) = double.effects("transfer")
    assert (effect["id"], effect["amount"], effect["on"]) == (answer["id"], 1000, "acct_1")


def test_a_transfer_beyond_the_balance_is_refused(double):
    double.seed_account(id="acct_1")
    double.seed_available(999)
    with pytest.raises(Refused, match="not enough available money"):
        transfer("acct_1", TEN, key="bo-1-transfer")


def test_a_transfer_to_an_unfinished_account_is_refused(double):
    double.seed_account(id="acct_1", active=False)
    double.seed_available(5000)
    with pytest.raises(Refused, match="cannot receive transfers yet"):
        transfer("acct_1", TEN, key="bo-1-transfer")


def test_a_transfer_behind_a_server_error_is_found_by_its_mark(double):
    double.seed_account(id="acct_1")
    double.seed_available(5000)
    double.fault("error_after", path="/v1/transfers", method="POST")
    assert transfer("acct_1", TEN, key="bo-1-transfer")["id"]
    assert len(double.effects("transfer")) == 1


def test_a_payment_is_found(double, payment):
    found = find_payment("pi_1")
    assert (found.status, found.amount) == ("succeeded", Money(Decimal("50.00"), "USD"))
    assert (found.card_brand, found.card_last4) == ("visa", "4242")
    assert f"{found.taken_at:%Y-%m-%d}" == "2023-11-14"


def test_what_was_refunded_is_found(double, payment):
    refund_ten()
    assert find_payment("pi_1").refunded == TEN


def test_a_found_payment_carries_nothing_private(double, payment):
    """S38, S40."""
    shown = repr(find_payment("pi_1")).lower()
    intent = double.find("payment_intents", "pi_1")
    assert "canary" not in shown
    assert intent["client_secret"].lower() not in shown


def test_a_look_up_leaves_nothing_private_in_the_log(double, payment, caplog):
    """S38, S40: whatever LOG_LEVEL says."""
    caplog.set_level(logging.DEBUG)
    find_payment("pi_1")
    assert "canary" not in caplog.text
    assert double.find("payment_intents", "pi_1")["client_secret"] not in caplog.text


def test_an_unknown_payment_is_explained(double):
    with pytest.raises(Refused, match="Stripe has no payment pi_nowhere"):
        find_payment("pi_nowhere")


def test_a_look_up_that_fails_changed_nothing(double, payment):
    double.fault("error_before", status=503, path="/v1/payment_intents/*")
    with pytest.raises(Refused, match="Nothing was changed"):
        find_payment("pi_1")


def test_another_process_gets_a_client_of_its_own(double, monkeypatch):
    ours = our.client()
    monkeypatch.setattr("os.getpid", lambda: -1)
    theirs = our.client()
    assert theirs is not ours
