"""The catalogue of tasks, and the addresses below it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path

from audit.admin.base import ReadOnlyAdmin, SafeHistoryMixin
from audit.admin.pages import page, person_of
from tasks.access.rights import Right, tasks_for
from tasks.admin import home, rows, settings
from tasks.admin.cards import cards_for
from tasks.admin.requests import request_page
from tasks.models import Task

LONGEST_SEARCH = 200


@admin.register(Task)
class TaskAdmin(SafeHistoryMixin, ReadOnlyAdmin):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        return tasks_for(person_of(request), Right.VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        own = [
            path(
                "<slug:slug>/",
                site.admin_view(request_page.request_page),
                name="tasks_task_request",
            ),
            path("<slug:slug>/pin/", site.admin_view(home.pin), name="tasks_task_pin"),
            path(
                "<slug:slug>/options/<str:parameter>/",
                site.admin_view(request_page.options),
                name="tasks_task_options",
            ),
            path(
                "<slug:slug>/template/<str:parameter>/",
                site.admin_view(rows.template),
                name="tasks_task_template",
            ),
            path(
                "<slug:slug>/confirm/",
                site.admin_view(request_page.confirm),
                name="tasks_task_confirm",
            ),
            *settings.urls(site),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The catalogue."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        words = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
        cards = cards_for(person_of(request), words)
        return page(
            request,
            "tasks/catalogue.html",
            title="Catalogue",
            words=words,
            cards=[card for card in cards if card.task.retired_at is None],
            retired=[card for card in cards if card.task.retired_at],
            may_change_any=any(card.may_change for card in cards),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Where links of the admin to “the task” lead: its page in the catalogue."""
        task = self.get_object(request, unquote(object_id))
        if task is None:
            raise Http404
        return redirect("admin:tasks_task_request", slug=task.slug)
