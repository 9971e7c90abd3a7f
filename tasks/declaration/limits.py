"""Where a run over many items pauses, so that somebody looks before it goes on. Pure questions.

This module knows neither Django nor the database: `@task` and `Approval` take its `Limits`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Self

# A share of failures says something only after so many items.
SOME: Final = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run pauses: zero, and None, mean never.

    After the `first` items; after so many `failures`, or when more than `percent` of the items have
    failed, once 20 were tried; before the `amount` done is exceeded, in any one currency. An item
    without an answer counts as failed, and its amount as done. What somebody has looked at does not
    count again.
    """

    first: int = 0
    failures: int = 0
    percent: int = 0
    amount: Decimal | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """As they are stored with a run."""
        amount = stored.get("amount")
        rest = {name: stored.get(name, 0) for name in ("first", "failures", "percent")}
        return cls(**rest, amount=None if amount is None else Decimal(amount))

    def as_json(self) -> dict[str, Any]:
        """Those that are set, as they are stored and sealed."""
        found: dict[str, Any] = {
            name: value
            for name in ("first", "failures", "percent")
            if (value := getattr(self, name))
        }
        return found if self.amount is None else found | {"amount": f"{self.amount.normalize():f}"}

    def in_words(self) -> list[str]:
        """“Pauses for a look after the first 5 items.”"""
        found = {
            f"after the {_first(self.first)}": self.first,
            f"after {self.failures} failed items": self.failures,
            f"when more than {self.percent} % of the items have failed": self.percent,
            f"before more than {self.amount} is done": self.amount is not None,
        }
        return [f"Pauses for review {when}." for when, is_set in found.items() if is_set]


NEVER: Final = Limits()


def strictest(*limits: Limits) -> Limits:
    """Of each limit the one that is reached first."""
    amounts = [each.amount for each in limits if each.amount is not None]
    return Limits(
        first=_least(each.first for each in limits),
        failures=_least(each.failures for each in limits),
        percent=_least(each.percent for each in limits),
        amount=min(amounts) if amounts else None,
    )


def _least(numbers: Any) -> int:  # noqa: ANN401 - an iterator of int
    return min((number for number in numbers if number), default=0)


@dataclass
class Progress:
    """What came of the items of a run so far: how many were tried, how many failed, the amounts."""

    tried: int = 0
    failed: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """As it is stored with a pause."""
        amounts = {each: Decimal(text) for each, text in stored.get("amounts", {}).items()}
        return cls(stored.get("tried", 0), stored.get("failed", 0), amounts)

    def as_json(self) -> dict[str, Any]:
        """As it is stored and sealed."""
        amounts = {each: f"{amount.normalize():f}" for each, amount in sorted(self.amounts.items())}
        return {"tried": self.tried, "failed": self.failed, "amounts": amounts}

    def amount_in(self, currency: str) -> Decimal:
        """What was done in one currency."""
        return self.amounts.get(currency, Decimal(0))

    def add(self, *, failed: bool, amount: Decimal | None, currency: str, times: int = 1) -> None:
        """Count an item, or take it back with `times=-1`."""
        self.tried += times
        self.failed += times if failed else 0
        if amount is not None:
            self.amounts[currency] = self.amount_in(currency) + times * amount


def why_stop(
    limits: Limits, seen: Progress, looked: Progress | None, amount: Decimal | None, currency: str
) -> str:
    """Why a run pauses before its next item, which comes to this amount. Empty when it goes on.

    `looked` is what somebody has looked at already, if anybody has.
    """
    before = looked or Progress()
    tried, failed = seen.tried - before.tried, seen.failed - before.failed
    if limits.first and before.tried < limits.first <= seen.tried:
        return f"The {_first(limits.first)} ran. Review the results before the rest runs."
    if limits.failures and failed >= limits.failures:
        return f"{failed} of {tried} items failed or had no answer: the limit is {limits.failures}."
    if limits.percent and tried >= SOME and 100 * failed > limits.percent * tried:
        return f"{failed} of {tried} items failed or had no answer: more than {limits.percent} %."
    if looked and not tried:
        return ""  # somebody has seen that this item is the next one
    return _too_much(limits, seen, before, amount, currency)


def _first(number: int) -> str:
    return f"first {number} items" if number > 1 else "first item"


def _too_much(
    limits: Limits, seen: Progress, before: Progress, amount: Decimal | None, currency: str
) -> str:
    if limits.amount is None or amount is None:
        return ""
    done = seen.amount_in(currency) - before.amount_in(currency)
    if done + amount <= limits.amount:
        return ""
    return (
        f"{done:,f} {currency} is done. The next item, {amount:,f} {currency}, would exceed the limit "
        f"of {limits.amount:,f}."
    )
