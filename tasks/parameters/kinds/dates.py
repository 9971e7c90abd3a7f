"""Days, and moments in time. A moment without a zone is one of the current time zone."""

from datetime import UTC, date, datetime, time
from typing import Any

import rule_engine
from django import forms
from django.utils import timezone

from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields import DayField, MomentField
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, between, fits


class DateKind(Kind):
    """`date`"""

    what = "a date"
    options = frozenset({"min", "max"})
    rule_type = rule_engine.DataType.DATETIME

    def prepare(self) -> None:
        self.min, self.max = (self._bound(b) for b in (self.param.min, self.param.max))

    def field(self, asked: Asked) -> forms.Field:
        return DayField(self.min, self.max, required=asked.required)

    def note(self) -> str:
        return between(self.min, self.max)

    def accepts(self, value: object) -> bool:
        return isinstance(value, date) and not isinstance(value, datetime)

    def freeze(self, value: date, keep: Keep) -> Json:
        return value.isoformat()

    def thaw(self, frozen: Json, load: Load) -> date:
        try:
            return date.fromisoformat(fits(frozen, str))
        except ValueError:
            raise DoesNotFit(f"{frozen!r} is no date.") from None

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        if frozen is None:
            return {name: None}
        # Conditions know moments only. A day begins at midnight UTC there, in literals too.
        return {name: datetime.combine(self.thaw(frozen, Load()), time.min, UTC)}

    def can_meet(self, part: str, value: object) -> bool:
        return isinstance(value, datetime) and value.astimezone(UTC).time() == time.min

    def _bound(self, bound: Any) -> date | None:  # noqa: ANN401 -- it is what we find out
        try:
            day: date | None = date.fromisoformat(bound) if isinstance(bound, str) else bound
            if day is None or self.accepts(day):
                return day
        except ValueError:
            pass
        raise DeclarationError("min and max of a date must be dates.", 'Write min="2026-01-31".')


class DateTimeKind(Kind):
    """`datetime`, aware of its time zone, stored in UTC"""

    what = "a datetime"
    options = frozenset({"min", "max"})
    rule_type = rule_engine.DataType.DATETIME

    def prepare(self) -> None:
        self.min, self.max = (self._bound(b) for b in (self.param.min, self.param.max))

    def field(self, asked: Asked) -> forms.Field:
        return MomentField(self.min, self.max, required=asked.required)

    def note(self) -> str:
        return f"In the time zone {timezone.get_current_timezone_name()}."

    def accepts(self, value: object) -> bool:
        return isinstance(value, datetime) and value.utcoffset() is not None

    def freeze(self, value: datetime, keep: Keep) -> Json:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def thaw(self, frozen: Json, load: Load) -> datetime:
        try:
            return datetime.fromisoformat(fits(frozen, str))
        except ValueError:
            raise DoesNotFit(f"{frozen!r} is no moment in time.") from None

    def text(self, frozen: Json) -> str:
        try:
            # It is on record, and read by people of several zones: none of theirs.
            local = timezone.localtime(self.thaw(frozen, Load()), timezone.get_default_timezone())
        except OverflowError:  # in this time zone it would be in a year that does not exist
            return fits(frozen, str)
        seconds = ":%S" if local.second or local.microsecond else ""
        return f"{local:%Y-%m-%d %H:%M{seconds}} {local.tzname()}"

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        return {name: None if frozen is None else self.thaw(frozen, Load())}

    def _bound(self, bound: Any) -> datetime | None:  # noqa: ANN401 -- it is what we find out
        try:
            moment: datetime | None = (
                datetime.fromisoformat(bound) if isinstance(bound, str) else bound
            )
            if moment is None or self.accepts(moment):
                return moment
        except ValueError:
            pass
        raise DeclarationError(
            "min and max of a datetime must be moments with a time zone.",
            'Write min="2026-01-31T00:00+00:00".',
        )
