"""Times of day, and lengths of time."""

import re
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError

from tasks.parameters.fields.base import TypedField, at_least, at_most
from tasks.parameters.lengths import UNITS, in_units
from tasks.parameters.widgets import text_input, time_input

CLOCK: Final = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
SHORT: Final = {"d": "day", "h": "hour", "min": "minute", "s": "second"}
LENGTH: Final = re.compile(
    r"([0-9]{1,9})\s*(days?|hours?|minutes?|seconds?|d|h|min|s)(?![a-z])[\s,]*", re.ASCII
)
LONGEST: Final = timedelta(days=36_600)


class TimeField(TypedField):
    """A time of day, without a zone, to the second."""

    def __init__(self, low: time | None, high: time | None, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=time_input(low, high), **kwargs)
        if low is not None:
            self.validators.append(at_least(low, clock(low)))
        if high is not None:
            self.validators.append(at_most(high, clock(high)))

    def parse(self, value: object) -> time:
        """A time. Raises ValidationError."""
        if isinstance(value, time) and value.tzinfo is None and not value.microsecond:
            return value
        try:
            if isinstance(value, str) and CLOCK.fullmatch(text := value.strip()):
                return time.fromisoformat(text)
        except ValueError:
            pass
        raise ValidationError("Enter a time like 14:30.", "time")

    def prepare_value(self, value: object) -> object:
        """As the browser's own control takes it."""
        return clock(value) if isinstance(value, time) else value


class LengthField(TypedField):
    """A timedelta of whole seconds, not below nothing."""

    def __init__(
        self,
        low: timedelta | None,
        high: timedelta | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(widget=text_input(long=False), **kwargs)
        low, high = low or timedelta(0), high or LONGEST
        self.validators += [at_least(low, in_units(low)), at_most(high, in_units(high))]

    def parse(self, value: object) -> timedelta:
        """A timedelta. Raises ValidationError."""
        if isinstance(value, timedelta) and not value.microseconds:
            return value
        parts = list(_parts(value.strip().lower())) if isinstance(value, str) else []
        seconds = [UNITS[unit] for _, unit in parts]
        # Each unit once and from the largest down: “1 day 30 minutes”.
        if not parts or seconds != sorted(set(seconds), reverse=True):
            raise ValidationError("Enter a length of time like 1 hour 30 minutes.", "length")
        total = sum(number * UNITS[unit] for number, unit in parts)
        if total > LONGEST.total_seconds():
            raise ValidationError(f"The largest allowed is {in_units(LONGEST)}.", "max")
        return timedelta(seconds=total)

    def prepare_value(self, value: object) -> object:
        """As people write it."""
        return in_units(value) if isinstance(value, timedelta) else value


def clock(value: time) -> str:
    """“14:30”, or “14:30:05”."""
    return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Numbers with their units. Nothing where there is anything else in it."""
    if re.fullmatch(f"({LENGTH.pattern})+", text, re.ASCII):
        for number, unit in LENGTH.findall(text):
            yield int(number), SHORT.get(unit, unit.rstrip("s"))
