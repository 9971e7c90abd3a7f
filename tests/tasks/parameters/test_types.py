import copy
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.parameters import File, Money, Secret
from tasks.parameters.currencies import PLACES, decimal_places


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "minor"),
    [
        ("150", "USD", "150.00 USD", 15000),
        ("0.01", "USD", "0.01 USD", 1),
        ("1200.000", "JPY", "1200 JPY", 1200),
        ("1.5", "KWD", "1.500 KWD", 1500),
        ("-3.10", "EUR", "-3.10 EUR", -310),
        ("-0", "USD", "0.00 USD", 0),
        ("1E+3", "USD", "1000.00 USD", 100000),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount, currency, shown, minor):
    money = Money(Decimal(amount), currency)
    assert (str(money), money.minor_units) == (shown, minor)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "USD"),
        ("1.5", "JPY"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("1", "usd"),
        ("1", "XXX"),
    ],
)
def test_money_refuses_what_it_would_have_to_round_or_guess(amount, currency):
    with pytest.raises(ValueError, match=r"decimals|currency code|finite"):
        Money(Decimal(amount), currency)


@given(st.integers(-(10**40), 10**40), st.sampled_from(sorted(PLACES)))
def test_minor_units_and_back_lose_nothing(units, currency):
    assert Money.from_minor(units, currency).minor_units == units


def test_an_unknown_currency_says_what_to_write():
    with pytest.raises(ValueError, match="ISO 4217"):
        decimal_places("DOLLARS")


def test_a_secret_shows_itself_only_when_asked():
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"


@pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_secret_is_not_carried_off(leak):
    with pytest.raises(TypeError, match="cannot be copied"):
        leak(Secret("hunter2"))


def test_a_file_knows_its_size_and_fingerprint():
    file = File.of("a.csv", b"abc")
    assert file.size == 3
    assert file.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert "abc" not in repr(file).replace(file.sha256, "")
