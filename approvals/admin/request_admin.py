"""The inbox, and the page of one request. Both show; the buttons call `approvals.actions`."""

from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseNotAllowed, HttpResponseRedirectBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from approvals import actions
from approvals.admin import (
    approve_several,
    deliveries,
    email_links,
    notification_settings,
    notifications,
    slack_account,
)
from approvals.admin.answering import answered, session_of
from approvals.admin.inbox_filter import InboxFilter, columns_of
from approvals.models import ApprovalRequest, Decision
from approvals.requests import inbox
from approvals.requests.explanation import Explained, explain
from approvals.requests.policy import to_decide, visible_to
from audit.admin.base import ReadOnlyAdmin, SafeHistoryMixin
from audit.admin.lists import Sorting
from audit.admin.pages import page, person_of
from audit.admin.unsent import take
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from approvals.requests.inbox import Requests
    from backoffice.models import User

Status = ApprovalRequest.Status
Verdict = Decision.Verdict

PER_PAGE = 25
# What a request can be about, each by its own model: read with it, as its page asks for all of them.
SUBJECTS = [field.name for field in ApprovalRequest._meta.get_fields() if field.one_to_one]


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(SafeHistoryMixin, ReadOnlyAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        """Everybody has an inbox; `get_queryset` says which requests are in it."""
        return True

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApprovalRequest]":
        return visible_to(person_of(request)).select_related("requested_by", *SUBJECTS)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<uuid:request_id>/decide/",
                view(self.decide_view),
                name="approvals_approvalrequest_decide",
            ),
            path(
                "<uuid:request_id>/withdraw/",
                view(self.withdraw_view),
                name="approvals_approvalrequest_withdraw",
            ),
            *approve_several.urls(self.admin_site),
            *notifications.urls(self.admin_site),
            *email_links.urls(self.admin_site),
            *notification_settings.urls(self.admin_site),
            *slack_account.urls(self.admin_site),
            *deliveries.urls(self.admin_site),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        person = person_of(request)
        tabs = inbox.tabs_for(person)
        tab = next((tab for tab in tabs if tab.key == request.GET.get("tab")), tabs[0])
        chosen = InboxFilter(request.GET, tab=tab)
        sorting = Sorting(columns_of(tab), request.GET)
        requests = sorting.apply(chosen.apply(tab.find(person)))
        found = self.paginator(requests, PER_PAGE).get_page(request.GET.get("page"))
        query = request.GET.copy()
        query.pop("page", None)
        return page(
            request,
            "approvals/inbox.html",
            title="Inbox",
            tabs=tabs,
            tab=tab,
            filter=chosen,
            headings=list(sorting.headings()),
            query=query.urlencode(),
            waiting=to_decide(person).count(),
            unread=inbox.unread(person),
            page=found,
            several=tab.key == "decide",
            rows=inbox.rows(cast("Requests", found.object_list), person, now=database_now()),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        asked = self._found(request, unquote(object_id))
        unsent = take(request, reverse("admin:approvals_approvalrequest_decide", args=[asked.pk]))
        return self._page(request, asked, reason=unsent.get("reason", "") if unsent else "")

    def decide_view(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        """Record the decision that the page's form was sent with."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = self._found(request, str(request_id))

        def again(**shown: Any) -> HttpResponse:  # noqa: ANN401 - for the page
            return self._page(request, self._found(request, asked.pk), **shown)

        seal = request.POST.get("seal", "")
        decide = partial(actions.decide, request_id, seal=seal, door=Door.ADMIN)
        found = answered(request, door=Door.ADMIN, decide=decide, again=again)
        if isinstance(found, HttpResponse):
            return found
        return _to(found)

    def withdraw_view(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        """Take back one's own request."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = self._found(request, str(request_id))
        try:
            actions.withdraw(request_id, by=person_of(request), door=Door.ADMIN)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return self._page(request, asked, status=403)
        messages.success(request, f"You withdrew “{asked}”.")
        return _to(asked)

    def _found(self, request: HttpRequest, pk: str | UUID) -> ApprovalRequest:
        """The request, for whoever may see it; to others it does not exist."""
        found = self.get_object(request, str(pk))
        if found is None:
            raise Http404
        return cast("ApprovalRequest", found)

    def _page(
        self, request: HttpRequest, asked: ApprovalRequest, *, status: int = 200, **form: str
    ) -> HttpResponse:
        person = person_of(request)
        explained = explain(asked, person, now=database_now(), session=session_of(request))
        return page(
            request,
            "approvals/request.html",
            title="Request",
            status=status,
            asked=asked,
            page=explained,
            next_request=_next_for(person, explained),
            form=form,
        )


def _next_for(person: "User", explained: Explained) -> ApprovalRequest | None:
    """The oldest request that needs this person's review, for who has just decided this one."""
    if all(answer.decision.decided_by_id != person.pk for answer in explained.answers):
        return None
    return to_decide(person).order_by("opened_at", "pk").first()


def _to(asked: ApprovalRequest) -> HttpResponseRedirectBase:
    return redirect("admin:approvals_approvalrequest_change", asked.pk)
