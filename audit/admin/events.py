"""The list of events: what is no change of a field."""

import re
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse

from audit.admin.base import ReadOnlyAdmin
from audit.admin.views import MAY_READ
from audit.history.formatting import flat, for_page
from audit.models import Event

OFFERED: Final = ("", "exact", "gte", "lt", "isnull")
DAY: Final = re.compile(r"(19|2[0-9])[0-9]{2}-")  # of which the day before and after exist, too


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("when", "actor_label", "verb", "about", "door")
    list_filter = ("verb", "door", "at")
    sortable_by = ()
    ordering = ("-pk",)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("actor_label",)
    search_help_text = "Beginning of a person's name, or a request ID."
    fields = (
        "when", "actor_label", "door", "ip", "verb", "subject_label", "kind", "subject_id",
        "reason", "details", "request_id",
    )  # fmt: skip
    readonly_fields = ("when", "kind", "details")
    change_list_template = "audit/events.html"
    change_form_template = "audit/event.html"

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return request.user.has_perm(MAY_READ)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Event], search_term: str
    ) -> tuple[models.QuerySet[Event], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        # Only what an index answers: a word from the middle of a name would read the whole table.
        wanted = models.Q(actor_label__istartswith=term) | models.Q(request_id=term)
        return queryset.filter(wanted), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:  # noqa: ANN401
        """Only what the filters of the page offer: a pattern or a word in the middle reads it all."""
        field, _, how = lookup.partition("__")
        if how in ("gte", "lt") and not all(DAY.match(str(each)) for each in _listed(value)):
            return False
        return field in self.list_filter and how in OFFERED

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": "Access log"}
        return super().changelist_view(request, title | (extra_context or {}))

    @admin.display(description="when")
    def when(self, event: Event) -> str:
        return for_page(event.at)

    @admin.display(description="object")
    def about(self, event: Event) -> str:
        return event.subject_label or self.details(event)

    @admin.display(description="object type")
    def kind(self, event: Event) -> str:
        try:
            return str(apps.get_model(event.subject_type)._meta.verbose_name)
        except (LookupError, ValueError):  # a model of another time, or no object at all
            return event.subject_type

    @admin.display(description="details")
    def details(self, event: Event) -> str:
        return flat(event.data) or str(self.get_empty_value_display())


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - as Django hands it on
    return value if isinstance(value, list) else [value]
