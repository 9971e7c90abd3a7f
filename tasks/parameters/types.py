"""Types that a task's parameters may have beside Python's own: money, files, secrets."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Never, Self

from tasks.parameters.currencies import decimal_places

# Python's default context silently rounds to 28 digits.
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation])


def exactly(number: Decimal, places: int) -> Decimal:
    """The same number written with so many decimals, never rounded; minus zero becomes zero.

    Raises ValueError when the number is not finite, or has more decimals than that.
    """
    try:
        written = number.quantize(Decimal(1).scaleb(-places), context=_EXACT)
    except (Inexact, InvalidOperation):
        raise ValueError(f"{number} cannot be written with {places} decimals.") from None
    if not written.is_finite():
        raise ValueError(f"{number} is not a finite number.")
    return written or abs(written)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in a currency (ISO 4217 code): Money(Decimal("150.00"), "USD").

    Raises ValueError for an unknown currency, and for an amount that is not finite or finer than
    the currency allows.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", exactly(self.amount, decimal_places(self.currency)))

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    @property
    def minor_units(self) -> int:
        """The amount in the smallest unit of ISO 4217: cents for USD, yen for JPY.

        A payment provider may count otherwise: see `currencies`.
        """
        return int(self.amount.scaleb(decimal_places(self.currency), context=_EXACT))

    @classmethod
    def from_minor(cls, units: int, currency: str) -> Self:
        """Money from a count of the smallest unit of ISO 4217."""
        return cls(Decimal(units).scaleb(-decimal_places(currency), context=_EXACT), currency)


@dataclass(frozen=True, slots=True)
class File:
    """A file that a person handed in, or that a task returns. `size` is in bytes, `sha256` in hex."""

    name: str
    content_type: str
    size: int
    sha256: str
    content: bytes = field(repr=False)

    @classmethod
    def of(
        cls, name: str, content: bytes | str, content_type: str = "application/octet-stream"
    ) -> Self:
        """A file with this content; size and checksum follow from it. Text becomes UTF-8."""
        if isinstance(content, str):
            content = content.encode()
        checksum = hashlib.sha256(content).hexdigest()
        return cls(name, content_type, len(content), checksum, content)

    def __str__(self) -> str:
        return self.name


class Chosen(str):
    """A text that was chosen from options, with the label it was chosen by."""

    label: str
    __slots__ = ("label",)

    def __new__(cls, value: str, label: str) -> Self:
        """The value itself, to be used as any other text."""
        chosen = super().__new__(cls, value)
        chosen.label = label
        return chosen


class Zoned(str):
    """The text of a time, with the name of the zone that the page showed it in."""

    zone: str
    __slots__ = ("zone",)

    def __new__(cls, text: str, zone: str) -> Self:
        """The text itself, to be read in that zone."""
        zoned = super().__new__(cls, text)
        zoned.zone = zone
        return zoned


class Secret:
    """A text that shows itself only when asked: `secret.reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Hand it on to whoever needs it; do not log or return it."""
        return self._text

    def __str__(self) -> str:
        return "••••••"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> Never:
        # A pickle or a deep copy would carry the text to where nobody looks for it.
        raise TypeError("A secret cannot be copied or pickled. Pass it on itself.")


def money_in(values: Iterable[object]) -> list[Money]:
    """The amounts of money among the values of a task."""
    return [value for value in values if isinstance(value, Money)]
