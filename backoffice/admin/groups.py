"""Groups: the list, and the page of one group with its members."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Group
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern

from approvals import channels
from approvals.channels.base import SLACK
from approvals.models.deliveries import GroupSlackChannel
from audit.admin.pages import page, person_of
from backoffice import actions
from backoffice.admin.base import SettingsAdmin, attempt, by_whom, say
from backoffice.admin.forms import AddMemberForm, NewGroupForm, SlackChannelForm
from backoffice.models import Membership
from tasks.admin.settings.proposed_changes import waiting


@admin.register(Group)
class GroupAdmin(SettingsAdmin):
    def own_urls(self) -> list[URLPattern]:
        return [
            self.url("new/", self.new_view, "new"),
            self.url("<int:pk>/join/", self.join_view, "join"),
            self.url("<int:pk>/slack/", self.slack_view, "slack"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise Http404
        return _groups(request, NewGroupForm())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        group = self.found(request, unquote(object_id))
        return _group(request, group, AddMemberForm(group=group))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A group has none of its own: who joined and left is in the history of memberships."""
        raise Http404

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Make a group."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise Http404
        form = NewGroupForm(request.POST)
        if attempt(form, lambda data: actions.add_group(**data, **by_whom(request))):
            messages.success(request, f"Group “{form.cleaned_data['name']}” created.")
            return redirect("admin:auth_group_changelist")
        return _groups(request, form, status=400)

    def join_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put somebody into the group."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        group = self.found(request, pk)
        form = AddMemberForm(request.POST, group=group)

        became: list[object] = []

        def join(data: dict[str, Any]) -> None:
            who, why = data["person"].pk, data["reason"]
            became.append(actions.join_group(who, group, reason=why, **by_whom(request)))

        if attempt(form, join):
            say(request, became[0], made=f"{form.cleaned_data['person']} added to “{group}”.")
            return redirect("admin:auth_group_change", pk)
        return _group(request, group, form, status=400)

    def slack_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say in which Slack channel the group is asked."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        group = self.found(request, pk)
        form = SlackChannelForm(request.POST, prefix=SLACK)

        def ask_there(data: dict[str, Any]) -> None:
            actions.set_slack_channel(group, **data, **by_whom(request))

        if attempt(form, ask_there):
            messages.success(request, "Slack channel saved.")
            return redirect("admin:auth_group_change", pk)
        return _group(request, group, AddMemberForm(group=group), slack_form=form, status=400)


def _members() -> QuerySet[Membership]:
    return Membership.objects.select_related("user").order_by(
        "user__first_name", "user__last_name", "user__username"
    )


def _groups(request: HttpRequest, form: forms.Form, *, status: int = 200) -> HttpResponse:
    groups = Group.objects.order_by("name").prefetch_related(Prefetch("memberships", _members()))
    return page(
        request, "backoffice/groups.html", title="Groups", status=status, groups=groups, form=form
    )


def _group(
    request: HttpRequest,
    group: Group,
    form: forms.Form,
    *,
    slack_form: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    room = GroupSlackChannel.objects.filter(group=group).first()
    if slack_form is None and SLACK in channels.names():
        initial = {"channel": room.channel if room else ""}
        slack_form = SlackChannelForm(prefix=SLACK, initial=initial)
    return page(
        request,
        "backoffice/group.html",
        title="Group",
        status=status,
        group=group,
        waiting=waiting(None, person_of(request), group=group.pk),
        members=_members().filter(group=group),
        form=form,
        slack_form=slack_form,
    )
