"""Numbers as people write them, and nothing that only looks like one."""

import re
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from tasks.parameters.currencies import decimal_places
from tasks.parameters.fields.base import TypedField, bounds
from tasks.parameters.types import Money, exactly
from tasks.parameters.widgets import MoneyWidget, number_input

# No exponent, no thousands separator, no other script's digits: each could be read in two ways.
WHOLE = re.compile(r"-?[0-9]{1,19}")
DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?")
LARGEST_WHOLE = 2**63 - 1  # what a database column holds
LARGEST_AMOUNT = Decimal(10) ** 15


class WholeField(TypedField):
    """An int."""

    def __init__(self, low: Any, high: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=number_input("numeric"), **kwargs)
        self.validators += bounds(
            -LARGEST_WHOLE if low is None else low, LARGEST_WHOLE if high is None else high
        )

    def parse(self, value: object) -> int:
        """An int. Raises ValidationError."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and WHOLE.fullmatch(text := value.strip()):
            return int(text)
        raise ValidationError("Enter a whole number, such as 1000.", "number")


class DecimalField(TypedField):
    """A Decimal, with `places` decimals where that is given."""

    def __init__(
        self,
        low: Decimal | None,
        high: Decimal | None,
        places: int | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.places = places
        super().__init__(widget=number_input("decimal"), **kwargs)
        self.validators += bounds(low, high)

    def parse(self, value: object) -> Decimal:
        """A Decimal. Raises ValidationError."""
        number = decimal_from(value, f"Enter a number such as {self._example()}.")
        if self.places is None:
            return exactly(number, -int(number.as_tuple().exponent))
        too_fine = f"Enter at most {self.places} decimals, as in {self._example()}."
        refuse_more_digits(value, self.places, too_fine)
        try:
            return exactly(number, self.places)
        except ValueError:
            raise ValidationError(too_fine, "places") from None

    def prepare_value(self, value: object) -> object:
        """A Decimal without an exponent, for the page."""
        return f"{value:f}" if isinstance(value, Decimal) else value

    def _example(self) -> str:
        return f"{Decimal(1000):.{2 if self.places is None else self.places}f}"


class MoneyField(TypedField):
    """Money, from an amount and a currency."""

    widget: MoneyWidget

    def __init__(
        self,
        low: Decimal | None,
        high: Decimal | None,
        currencies: tuple[str, ...],
        *,
        label: str,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.currencies = currencies
        super().__init__(widget=MoneyWidget(currencies, label), **kwargs)
        self.rules = bounds(low, high)

    def to_python(self, value: object) -> Money | None:
        """Money, or None where no amount was given. Raises ValidationError."""
        amount, currency = _parts(value)
        if amount is None or (isinstance(amount, str) and not amount.strip()):
            return None
        return self._money(amount, currency)

    def run_validators(self, value: Any) -> None:  # noqa: ANN401 -- Money or None
        """Bounds hold for the amount, in whichever currency."""
        if value is not None:
            for rule in self.rules:
                rule(value.amount)

    def _money(self, amount: object, currency: object) -> Money:
        code = self._currency(currency)
        example = f"{Decimal(1000):.{decimal_places(code)}f}"
        number = decimal_from(amount, f"Enter the amount as {example}.")
        if abs(number) >= LARGEST_AMOUNT:
            raise ValidationError("This amount is too large.", "max")
        places = decimal_places(code)
        too_fine = f"{code} has {places or 'no'} decimals. Enter the amount as {example}."
        refuse_more_digits(amount, places, too_fine)
        try:
            return Money(number, code)
        except ValueError:
            raise ValidationError(too_fine, "places") from None

    def _currency(self, currency: object) -> str:
        if currency in (None, "") and len(self.currencies) == 1:
            return self.currencies[0]
        if isinstance(currency, str) and currency in self.currencies:
            return currency
        raise ValidationError(f"Choose a currency: {', '.join(self.currencies)}.", "currency")


def _parts(value: object) -> tuple[object, object]:
    if value is None:
        return None, None
    if isinstance(value, Money):
        return value.amount, value.currency
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    raise ValidationError("Enter an amount and a currency.", "money")


def refuse_more_digits(value: object, places: int, message: str) -> None:
    """Refuse a text with more decimals than there are, zeros too: “1.250” may be meant as 1250."""
    if isinstance(value, str) and len(value.strip().partition(".")[2]) > places:
        raise ValidationError(message, "places")


def decimal_from(value: object, message: str) -> Decimal:
    """A finite Decimal, from the digits of one. Raises ValidationError."""
    text = ""
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if not DECIMAL.fullmatch(text):
        raise ValidationError(message, "number")
    return Decimal(text)
