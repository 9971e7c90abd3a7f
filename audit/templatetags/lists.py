"""What every list of the site shows in the same way: times, amounts, the heads of columns."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.history.formatting import exactly, relative

register = template.Library()


@register.filter
def when(at: datetime | None) -> SafeString | str:
    """“3 hours ago”, with the exact time and its zone where the mouse rests on it."""
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), exactly(at), relative(at)
    )


@register.filter
def money(found: dict[str, Any] | None) -> str:
    """“150.00 USD”, as a run or a request keeps it."""
    return f"{found['amount']} {found['currency']}" if found else ""
