"""Whole numbers, decimals, and money. Never a float."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import rule_engine
from django import forms

from tasks.parameters.currencies import PLACES
from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields import DecimalField, MoneyField, WholeField
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, RuleType, between, fits
from tasks.parameters.param import are_names
from tasks.parameters.types import Money


class WholeKind(Kind):
    """`int`"""

    what = "a whole number"
    options = frozenset({"min", "max"})
    rule_type = rule_engine.DataType.FLOAT
    number_at = ()

    def prepare(self) -> None:
        for bound in (self.param.min, self.param.max):
            if bound is not None and not self.accepts(bound):
                raise DeclarationError(
                    f"{bound!r} is no bound for a whole number.", "Write a whole number: min=1."
                )

    def field(self, asked: Asked) -> forms.Field:
        return WholeField(self.param.min, self.param.max, required=asked.required)

    def note(self) -> str:
        return between(self.param.min, self.param.max)

    def accepts(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def can_be(self, value: object) -> bool:
        return self.accepts(value) and self.can_meet("", value)

    def can_meet(self, part: str, value: object) -> bool:
        return (
            isinstance(value, (int, Decimal))
            and value == int(value)
            and self.keeps_rules(int(value))
        )

    def freeze(self, value: int, keep: Keep) -> Json:
        return int(value)

    def thaw(self, frozen: Json, load: Load) -> int:
        return fits(frozen, int)


class DecimalKind(Kind):
    """`Decimal`"""

    what = "a Decimal"
    options = frozenset({"min", "max", "places"})
    rule_type = rule_engine.DataType.FLOAT
    number_at = ()
    has_decimals = True

    def prepare(self) -> None:
        self.min, self.max = decimal_bound(self.param.min), decimal_bound(self.param.max)
        places = self.param.places
        if places is not None and places not in range(13):
            raise DeclarationError(
                f"places={places!r} cannot be met.", "Write a whole number from 0 to 12: places=2."
            )

    def field(self, asked: Asked) -> forms.Field:
        return DecimalField(self.min, self.max, self.param.places, required=asked.required)

    def note(self) -> str:
        return between(self.min, self.max)

    def accepts(self, value: object) -> bool:
        return isinstance(value, Decimal) and value.is_finite()

    def freeze(self, value: Decimal, keep: Keep) -> Json:
        return f"{value:f}"

    def thaw(self, frozen: Json, load: Load) -> Decimal:
        return decimal_of(frozen)

    def identity(self, frozen: Json) -> str:
        return f"{decimal_of(frozen).normalize():f}"

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        return {name: None if frozen is None else decimal_of(frozen)}


class MoneyKind(Kind):
    """`Money`: in conditions, `amount` and `amount_currency`."""

    what = "Money"
    is_money = True
    options = frozenset({"min", "max", "currencies"})
    number_at = ("amount",)
    unit_at = ("currency",)
    has_decimals = True

    def prepare(self) -> None:
        self.min, self.max = decimal_bound(self.param.min), decimal_bound(self.param.max)
        currencies = self.param.currencies
        if not are_names(currencies) or not PLACES.keys() >= set(currencies):
            raise DeclarationError(
                f"currencies={currencies!r} is not a tuple of currency codes.",
                'Write codes of ISO 4217: currencies=("USD", "EUR"), or ("USD",) for one.',
            )

    def field(self, asked: Asked) -> forms.Field:
        return MoneyField(
            self.min,
            self.max,
            tuple(self.param.currencies),
            label=asked.label,
            required=asked.required,
        )

    def note(self) -> str:
        return between(self.min, self.max)

    def accepts(self, value: object) -> bool:
        return isinstance(value, Money) and value.currency in self.param.currencies

    def freeze(self, value: Money, keep: Keep) -> Json:
        return {"amount": f"{value.amount:f}", "currency": value.currency}

    def thaw(self, frozen: Json, load: Load) -> Money:
        stored = fits(frozen, dict)
        return Money(decimal_of(stored.get("amount")), fits(stored.get("currency"), str))

    def text(self, frozen: Json) -> str:
        return str(self.thaw(frozen, Load()))

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        money = None if frozen is None else self.thaw(frozen, Load())
        return {
            name: money and money.amount,
            f"{name}_currency": money and money.currency,
        }

    def rule_options(self, part: str) -> Sequence[object] | None:
        return list(self.param.currencies) if part == "currency" else None

    def inputs(self, name: str) -> list[str]:
        return [name, f"{name}_currency"]

    def rule_types(self, name: str) -> dict[str, RuleType]:
        return {
            name: rule_engine.DataType.FLOAT,
            f"{name}_currency": rule_engine.DataType.STRING,
        }


def decimal_of(frozen: Json) -> Decimal:
    """A stored number. Raises DoesNotFit."""
    try:
        return Decimal(fits(frozen, str))
    except InvalidOperation:
        raise DoesNotFit(f"{frozen!r} is no number.") from None


def decimal_bound(bound: Any) -> Decimal | None:  # noqa: ANN401 -- it is what we find out
    """A bound as a Decimal. Raises DeclarationError, for a float too: 0.1 is not 1/10 in one."""
    if bound is None:
        return None
    if isinstance(bound, (str, int, Decimal)) and not isinstance(bound, bool):
        try:
            if (number := Decimal(bound)).is_finite():
                return number
        except InvalidOperation:
            pass
    raise DeclarationError(
        f"{bound!r} is no bound for a number.", 'Write the number as a text: min="0.01".'
    )
