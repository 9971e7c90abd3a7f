"""Times of day, and lengths of time."""

from datetime import time, timedelta
from typing import Any

import rule_engine
from django import forms
from django.core.exceptions import ValidationError

from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields.times import LengthField, TimeField, clock
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, RuleType, between, fits
from tasks.parameters.lengths import in_units


class TimeKind(Kind):
    """`time`: of day, without a zone; in conditions, a text like “14:30”"""

    what = "a time"
    options = frozenset({"min", "max"})

    def prepare(self) -> None:
        self.min, self.max = (self._bound(each) for each in (self.param.min, self.param.max))

    def field(self, asked: Asked) -> forms.Field:
        return TimeField(self.min, self.max, required=asked.required)

    def note(self) -> str:
        return between(self.min and clock(self.min), self.max and clock(self.max))

    def accepts(self, value: object) -> bool:
        return isinstance(value, time) and value.tzinfo is None and not value.microsecond

    def freeze(self, value: time, keep: Keep) -> Json:
        return clock(value)

    def thaw(self, frozen: Json, load: Load) -> time:
        try:
            return time.fromisoformat(fits(frozen, str))
        except ValueError:
            raise DoesNotFit(f"{frozen!r} is no time.") from None

    def can_meet(self, part: str, value: object) -> bool:
        try:
            return isinstance(value, str) and clock(time.fromisoformat(value)) == value
        except ValueError:
            return False

    def _bound(self, bound: Any) -> time | None:  # noqa: ANN401 -- it is what we find out
        try:
            found: time | None = time.fromisoformat(bound) if isinstance(bound, str) else bound
            if found is None or self.accepts(found):
                return found
        except ValueError:
            pass
        raise DeclarationError("min and max of a time must be times.", 'Write min="08:00".')


class LengthKind(Kind):
    """`timedelta`: in conditions, how many seconds it has"""

    what = "a timedelta"
    options = frozenset({"min", "max"})

    def prepare(self) -> None:
        self.min, self.max = (self._bound(each) for each in (self.param.min, self.param.max))

    def field(self, asked: Asked) -> forms.Field:
        return LengthField(self.min, self.max, required=asked.required)

    def note(self) -> str:
        limits = between(self.min and in_units(self.min), self.max and in_units(self.max))
        return f"Such as 1 hour 30 minutes. {limits}".strip()

    def accepts(self, value: object) -> bool:
        return isinstance(value, timedelta) and not value.microseconds

    def freeze(self, value: timedelta, keep: Keep) -> Json:
        return int(value.total_seconds())

    def thaw(self, frozen: Json, load: Load) -> timedelta:
        try:
            return timedelta(seconds=fits(frozen, int))
        except OverflowError:
            raise DoesNotFit(f"{frozen!r} is no length of time.") from None

    def text(self, frozen: Json) -> str:
        return in_units(self.thaw(frozen, Load()))

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        return {f"{name}_seconds": frozen}

    def rule_types(self, name: str) -> dict[str, RuleType]:
        return {f"{name}_seconds": rule_engine.DataType.FLOAT}

    def _bound(self, bound: Any) -> timedelta | None:  # noqa: ANN401 -- it is what we find out
        try:
            return None if bound is None else LengthField(None, None).clean(bound)
        except ValidationError:
            raise DeclarationError(
                "min and max of a timedelta must be lengths of time.", 'Write max="2 hours".'
            ) from None
