"""Values as people read them."""

import datetime
import decimal
from contextlib import suppress

from django.utils import timezone

from tasks.declaration.texts import said


def text_of(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime.datetime):
        return _moment(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return said(value)


def _moment(value: datetime.datetime) -> str:
    """In `TIME_ZONE`, which it names: it is on record, and read by many. Without a zone where it has none."""
    if timezone.is_naive(value):
        return f"{value:%Y-%m-%d %H:%M}"
    with suppress(OverflowError):  # the last hours of the year 9999
        value = timezone.localtime(value, timezone.get_default_timezone())
    return f"{value:%Y-%m-%d %H:%M} {value.tzname()}"
