"""Base classes for admins that only show."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from audit.admin.views import before
from audit.history.timeline import recent_changes_of

COUNTED: Final = 10_001
SAFE: Final = ("GET", "HEAD")


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # takes none at run time
    """Counts no further than 10,001: in a long list the exact number costs more than the page."""

    @cached_property
    def count(self) -> int:
        if isinstance(self.object_list, models.QuerySet):
            return self.object_list.order_by()[:COUNTED].count()
        return min(len(self.object_list), COUNTED)


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # untyped package
    """Shows, and changes nothing, whoever asks: rows change through the functions in actions.py.

    Who may look is `has_view_permission`, as in any admin.
    """

    actions = None
    list_editable: ClassVar[Sequence[str]] = ()
    paginator = CappedPaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return False

    def get_readonly_fields(
        self,
        request: HttpRequest,
        obj: Any = None,  # noqa: ANN401
    ) -> list[str]:
        own = list(super().get_readonly_fields(request, obj))
        return [*own, *(field.name for field in self.opts.fields if field.name not in own)]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        return super().changelist_view(request, extra_context)  # type: ignore[no-any-return]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        found = self.get_object(request, unquote(object_id))
        if found is None or not self.has_view_permission(request, found):
            raise Http404  # the same answer for both: nobody learns what there is
        return super().history_view(request, object_id, extra_context)  # type: ignore[no-any-return]


class SafeHistoryMixin:
    """The history page of one object: for whoever may see the object, and only to read.

    The admin of simple_history is not used. Its page of one version saves a form for people who may
    only look, and its list shows objects that `get_queryset` hides.
    """

    def history_view(
        self: Any,  # mixed into a ModelAdmin
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        instance = self.get_object(request, unquote(object_id))
        if instance is None or not self.has_view_permission(request, instance):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": f"Change history of {instance}",
            "opts": self.opts,
            "object": instance,
            "page": recent_changes_of(instance, before=before(request)),
            "one_object": True,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "audit/object_history.html", context)


class OnePageAdmin(SafeHistoryMixin, ReadOnlyAdmin):
    """For a model with one page of our own instead of a list and forms; each object leads there.

    Everybody who may use the site may open it, unless `has_view_permission` says otherwise.
    """

    def one_page(self, request: HttpRequest) -> HttpResponse:
        """The page, and what its form does."""
        raise NotImplementedError

    def own_urls(self) -> list[URLPattern]:
        """The addresses of what else can be done there, by `own_url`."""
        return []

    def own_url(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """An address below that of the page."""
        full = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        made: URLPattern = path(route, self.admin_site.admin_view(view), name=full)
        return made

    def get_urls(self) -> list[URLPattern]:
        return [*self.own_urls(), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self.one_page(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
