from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given as generate
from hypothesis import strategies as st

from tasks.parameters import Money, Param, canonical, display, freeze, read, thaw
from tasks.parameters.currencies import PLACES
from tests.tasks.parameters.asking import complaint, form, given, page, taking

TWO_CURRENCIES = Annotated[Money, Param(currencies=("USD", "EUR"), min="0.01", max=500)]
NOT_NUMBERS = [
    "1e3",
    "1,000",
    "1.000,00",
    "NaN",
    "Infinity",
    "-inf",
    "0x10",
    "\uff11\uff12",
    "٣",
    "1 0",
    "--1",
]


def frozen(hint, sent):
    parameters = read(taking(value=hint))
    return canonical(freeze(parameters, {"value": given(hint, sent)})).decode()


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1.5", "+1", True, "9" * 20])
def test_a_whole_number_is_digits_only(text):
    assert complaint(int, text)


@pytest.mark.parametrize(
    ("hint", "text", "message"),
    [
        (Annotated[int, Param(min=1)], "0", "The smallest allowed is 1."),
        (Annotated[int, Param(max=9)], "10", "The largest allowed is 9."),
        (int, str(2**63), f"The largest allowed is {2**63 - 1}."),
        (Annotated[Decimal, Param(min="0.5")], "0.49", "The smallest allowed is 0.5."),
        (Annotated[Decimal, Param(max="1.5")], "1.51", "The largest allowed is 1.5."),
        (Annotated[Decimal, Param(places=1)], "1.25", "Enter at most 1 decimals, as in 1000.0."),
        (TWO_CURRENCIES, Money(Decimal(0), "USD"), "The smallest allowed is 0.01."),
        (TWO_CURRENCIES, Money(Decimal("500.01"), "EUR"), "The largest allowed is 500."),
    ],
)
def test_bounds_are_explained(hint, text, message):
    assert complaint(hint, text) == message


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (Annotated[int, Param(min=1, max=9)], "1"),
        (Annotated[int, Param(min=1, max=9)], "9"),
        (Annotated[Decimal, Param(max="1.5")], "1.50"),
        (Annotated[Money, Param(max=500)], "500.00"),
        (Annotated[Money, Param(min="0.01")], "0.01"),
    ],
)
def test_bounds_are_allowed_themselves(hint, text):
    assert given(hint, text) is not None


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_a_decimal_is_written_in_one_way(text):
    assert complaint(Decimal, text) == "Enter a number such as 1000.00."


def test_a_decimal_with_places_always_has_the_same_text():
    hint = Annotated[Decimal, Param(places=2)]
    assert frozen(hint, "150") == frozen(hint, "150.0") == frozen(hint, "150.00")


def test_a_decimal_without_places_keeps_what_was_written():
    assert frozen(Decimal, "150.0") == '{"value":"150.0"}'


@pytest.mark.parametrize("hint", [Decimal, Annotated[Decimal, Param(places=2)], Money])
def test_minus_zero_is_zero(hint):
    assert "-" not in frozen(hint, "-0.00")


def test_a_float_is_refused():
    assert complaint(Decimal, 0.1) == "Enter a number such as 1000.00."


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_an_amount_is_written_in_one_way(text):
    assert complaint(Money, text) == "Enter the amount as 1000.00."


@pytest.mark.parametrize(
    ("currency", "amount", "message"),
    [
        ("USD", "1.005", "USD has 2 decimals. Enter the amount as 1000.00."),
        ("USD", "1.250", "USD has 2 decimals. Enter the amount as 1000.00."),
        ("USD", "1.000", "USD has 2 decimals. Enter the amount as 1000.00."),
        ("JPY", "1.5", "JPY has no decimals. Enter the amount as 1000."),
        ("JPY", "1.000", "JPY has no decimals. Enter the amount as 1000."),
        ("KWD", "1.0005", "KWD has 3 decimals. Enter the amount as 1000.000."),
        ("USD", "1" * 16, "This amount is too large."),
    ],
)
def test_an_amount_finer_or_larger_than_money_is_refused(currency, amount, message):
    assert complaint(Annotated[Money, Param(currencies=(currency,))], amount) == message


def test_money_comes_from_two_controls_of_the_page():
    filled = form(taking(value=TWO_CURRENCIES), page(value="7", value_currency="EUR"))
    assert filled.is_valid()
    assert filled.cleaned_data == {"value": Money(Decimal("7.00"), "EUR")}


def test_money_comes_from_one_value_at_another_door():
    sent = {"value": {"amount": "7.00", "currency": "EUR"}}
    filled = form(taking(value=TWO_CURRENCIES), sent)
    assert filled.is_valid()
    assert filled.cleaned_data == {"value": Money(Decimal("7.00"), "EUR")}


@pytest.mark.parametrize("currency", ["GBP", "", "eur"])
def test_the_currency_must_be_one_of_those_offered(currency):
    filled = form(taking(value=TWO_CURRENCIES), page(value="7", value_currency=currency))
    assert filled.errors["value"] == ["Choose a currency: USD, EUR."]


def test_a_single_currency_needs_no_choice_and_accepts_no_other():
    assert given(Money, "7") == Money(Decimal("7.00"), "USD")
    filled = form(taking(value=Money), page(value="7", value_currency="EUR"))
    assert filled.errors["value"] == ["Choose a currency: USD."]


def test_a_currency_without_an_amount_is_nothing():
    filled = form(taking(value=TWO_CURRENCIES), page(value="", value_currency="EUR"))
    assert filled.errors["value"] == ["This field is required."]


def test_money_is_shown_with_its_currency():
    parameters = read(taking(value=Money))
    stored = freeze(parameters, {"value": Money(Decimal(150), "USD")})
    assert display(parameters, stored) == [("Value", "150.00 USD")]


@generate(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_comes_back_unchanged_from_json(number):
    parameters = read(taking(value=Decimal))
    stored = freeze(parameters, {"value": number})
    assert thaw(parameters, stored)["value"] == number
    assert canonical(freeze(parameters, thaw(parameters, stored))) == canonical(stored)


@generate(st.integers(-(10**20), 10**20), st.sampled_from(sorted(PLACES)))
def test_any_money_comes_back_unchanged_from_json(units, currency):
    parameters = read(taking(value=Annotated[Money, Param(currencies=(currency,))]))
    money = Money.from_minor(units, currency)
    stored = freeze(parameters, {"value": money})
    assert thaw(parameters, stored)["value"] == money
    assert canonical(freeze(parameters, thaw(parameters, stored))) == canonical(stored)


@generate(st.text("0123456789.,-+eE ٣\uff11NaInf", max_size=12))
def test_what_is_accepted_as_an_amount_is_exactly_what_was_typed(text):
    filled = form(taking(value=Money), page(value=text))
    if filled.is_valid():
        assert Decimal(text.strip()) == filled.cleaned_data["value"].amount
