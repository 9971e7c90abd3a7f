"""Days and moments, as ISO 8601: what a browser's own date picker sends."""

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone

from tasks.parameters.fields.base import TypedField, bounds
from tasks.parameters.types import Zoned
from tasks.parameters.widgets import date_input, moment_input

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)

# Every time zone has these moments, and their years are written with four digits.
EARLIEST, LATEST = datetime(1000, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


class DayField(TypedField):
    """A date."""

    def __init__(self, low: date | None, high: date | None, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=date_input(low, high), **kwargs)
        self.validators += bounds(low, high)

    def parse(self, value: object) -> date:
        """A date. Raises ValidationError."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            if isinstance(value, str) and DAY.fullmatch(text := value.strip()):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise ValidationError("Enter a date like 2026-01-31.", "date")


class MomentField(TypedField):
    """A datetime that knows its time zone, in UTC."""

    def __init__(
        self,
        low: datetime | None,
        high: datetime | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(widget=moment_input(), **kwargs)
        self.validators += bounds(low, high)

    def parse(self, value: object) -> datetime:
        """A datetime in UTC. Raises ValidationError."""
        zone = _zone_of(value)
        if isinstance(value, str):
            value = self._read(value.strip())
        if not isinstance(value, datetime):
            raise ValidationError("Enter a date and time like 2026-01-31 14:30.", "moment")
        try:
            moment = self._aware(value, zone).astimezone(UTC)
        except OverflowError:
            moment = None
        if moment is None or not EARLIEST <= moment <= LATEST:
            raise ValidationError("Enter a year between 1000 and 9999.", "moment")
        return moment

    def prepare_value(self, value: object) -> object:
        """The moment in the reader's time zone, for the page."""
        if isinstance(value, datetime) and timezone.is_aware(value):
            return timezone.localtime(value).replace(tzinfo=None)
        return value

    def _read(self, text: str) -> datetime | None:
        try:
            return datetime.fromisoformat(text) if MOMENT.fullmatch(text) else None
        except ValueError:
            return None

    def _aware(self, moment: datetime, zone: tzinfo) -> datetime:
        if timezone.is_aware(moment):
            return moment
        try:
            with timezone.override(zone):
                return from_current_timezone(moment)
        except ValidationError:
            raise ValidationError(
                f"When clocks change, {moment:%H:%M} comes twice or not at all in "
                f"{zone}. Enter a time before or after that hour.",
                "clock",
            ) from None


def _zone_of(value: object) -> tzinfo:
    """The zone that a page showed beside a time; at other doors that of the person."""
    try:
        return ZoneInfo(value.zone) if isinstance(value, Zoned) else timezone.get_current_timezone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError("This time zone is not known. Reload the page.", "zone") from None
