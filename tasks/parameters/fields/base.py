"""What all fields share: an empty value is None, and every rule is checked on the typed value.

A field takes what a browser sends, which is text, and what other doors have, which may be typed
already. It never takes one shape for another: a list is no text and a number is no yes.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tasks.parameters.again import Missing

NEEDED = "This field is required."


class TypedField(forms.Field):
    """A field whose value is of one Python type, or None."""

    default_error_messages = {"required": NEEDED}

    def to_python(self, value: object) -> Any:  # noqa: ANN401 -- the field's own type
        """The typed value, or None when nothing was given. Raises ValidationError."""
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, Missing):
            raise ValidationError(value.complaint, "again")
        return self.parse(value)

    def parse(self, value: object) -> Any:  # noqa: ANN401 -- the field's own type
        """The typed value of something that is not empty. Raises ValidationError."""
        raise NotImplementedError


def at_least[T](bound: T, shown: str | None = None) -> Callable[[Any], None]:
    """A rule: not below the bound."""

    def check(value: Any) -> None:  # noqa: ANN401 -- whatever can be compared
        if value < bound:
            raise ValidationError(f"The smallest allowed is {shown or bound}.", "min")

    return check


def at_most[T](bound: T, shown: str | None = None) -> Callable[[Any], None]:
    """A rule: not above the bound."""

    def check(value: Any) -> None:  # noqa: ANN401 -- whatever can be compared
        if value > bound:
            raise ValidationError(f"The largest allowed is {shown or bound}.", "max")

    return check


def bounds(low: Any, high: Any) -> list[Callable[[Any], None]]:  # noqa: ANN401
    """Rules for a smallest and a largest value, where there are any."""
    return [
        *([at_least(low, shown(low))] if low is not None else []),
        *([at_most(high, shown(high))] if high is not None else []),
    ]


def shown(bound: object) -> str:
    """A bound as people write it."""
    return f"{bound:f}" if isinstance(bound, Decimal) else str(bound)
