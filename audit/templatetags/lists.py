"""What every list of the site shows in the same way: times, amounts, the heads of columns."""

from datetime import datetime
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.pages import person_of
from audit.history.formatting import exactly, relative
from audit.saved_filters import filters_of, plain_query

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


@register.simple_tag
def copy(label: str, link: str = "", text: object = "") -> SafeString:
    """A button that copies a text, or the whole address of a link. A script shows it."""
    name, value = ("data-link", link) if link else ("data-copy", str(text))
    return format_html(
        '<button type="button" class="bo-button bo-button--quiet bo-copy" {}="{}" hidden>'
        '<span aria-live="polite">{}</span></button>',
        name,
        value,
        label,
    )


@register.inclusion_tag("audit/saved_filters.html", takes_context=True)
def saved_filters(context: Context) -> dict[str, Any]:
    """What this person has kept of filters of this list, and a form to keep the present one."""
    request = context["request"]
    query = plain_query(request.GET)
    saved = list(filters_of(person_of(request), request.path))
    is_filter = any(values != [""] for name, values in request.GET.lists() if name != "tab")
    return {
        "saved": saved,
        "address": request.path,
        "query": query,
        "link": f"{request.path}?{query}",
        "may_save": bool(query) and is_filter and query not in {each.query for each in saved},
        "csrf_token": context.get("csrf_token"),
    }
