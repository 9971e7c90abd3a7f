"""Values as people read them."""

import datetime
import decimal

from tasks.declaration.texts import said


def text_of(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return said(value)
