"""People: the list, and the page of one person with everything that can be changed about them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern

from audit.admin.base import SafeHistoryMixin
from audit.admin.pages import page, person_of
from backoffice import actions
from backoffice.admin.base import PER_PAGE, SettingsAdmin, attempt, by_whom, say
from backoffice.admin.forms import JoinGroupForm, NewPersonForm, PersonForm, ReasonForm
from backoffice.models import Membership, User
from tasks.admin.settings.proposed_changes import waiting


@admin.register(User)
class UserAdmin(SafeHistoryMixin, SettingsAdmin):
    def own_urls(self) -> list[URLPattern]:
        return [
            self.url("new/", self.new_view, "new"),
            self.url("<int:pk>/edit/", self.edit_view, "edit"),
            self.url("<int:pk>/close/", self.close_view, "close"),
            self.url("<int:pk>/open/", self.open_view, "open"),
            self.url("<int:pk>/join/", self.join_view, "join"),
            self.url("<int:pk>/leave/<int:group_pk>/", self.leave_view, "leave"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise Http404
        wanted = request.GET.get("q", "").strip()
        found = self.paginator(people_found(wanted), PER_PAGE).get_page(request.GET.get("page"))
        return page(request, "backoffice/people.html", title="People", people=found, wanted=wanted)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._show(request, self.found(request, unquote(object_id)))

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a new person; then make one."""
        if not self.has_view_permission(request):
            raise Http404
        form = NewPersonForm(request.POST if request.method == "POST" else None)
        made: list[User] = []
        if request.method == "POST" and attempt(
            form, lambda data: made.append(actions.add_person(**data, **by_whom(request)))
        ):
            messages.success(
                request, f"Account created. {made[0]} can sign in now. Next: add them to a group."
            )
            return redirect("admin:backoffice_user_change", made[0].pk)
        status = 400 if form.is_bound else 200
        return page(
            request, "backoffice/new_person.html", title="New person", status=status, form=form
        )

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = PersonForm(request.POST)
        return self._change(
            request,
            pk,
            "edit",
            form,
            lambda data: actions.change_person(pk, **data, **by_whom(request)),
        )

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = ReasonForm(request.POST, auto_id="close_%s")
        return self._change(
            request,
            pk,
            "close",
            form,
            lambda data: actions.deactivate_person(pk, **data, **by_whom(request)),
        )

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = ReasonForm(request.POST, auto_id="open_%s")
        return self._change(
            request,
            pk,
            "open",
            form,
            lambda data: actions.reactivate_person(pk, **data, **by_whom(request)),
        )

    def join_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = JoinGroupForm(request.POST, person=self.found(request, pk), auto_id="join_%s")
        return self._change(
            request,
            pk,
            "join",
            form,
            lambda data: actions.join_group(pk, **data, **by_whom(request)),
        )

    def leave_view(self, request: HttpRequest, pk: int, group_pk: int) -> HttpResponse:
        group = Group.objects.filter(pk=group_pk).first()
        if group is None:
            raise Http404
        form = ReasonForm(request.POST, auto_id=f"leave_{group_pk}_%s")
        return self._change(
            request,
            pk,
            f"leave_{group_pk}",
            form,
            lambda data: actions.leave_group(pk, group, **data, **by_whom(request)),
        )

    def _change(
        self,
        request: HttpRequest,
        pk: int,
        name: str,
        form: forms.Form,
        change: Callable[[dict[str, Any]], object],
    ) -> HttpResponse:
        """Do what one of the forms on a person's page asks, or show the page with what is wrong."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        person = self.found(request, pk)
        became: list[object] = []
        if attempt(form, lambda data: became.append(change(data))):
            say(request, became[0], made=f"Account updated: {person}.")
            return redirect("admin:backoffice_user_change", pk)
        return self._show(request, person, status=400, **{name: form})

    def _show(
        self, request: HttpRequest, person: User, *, status: int = 200, **sent: forms.Form
    ) -> HttpResponse:
        memberships = person.memberships.select_related("group").order_by("group__name")
        names = {name: getattr(person, name) for name in ("first_name", "last_name", "email")}
        return page(
            request,
            "backoffice/person.html",
            title="Person",
            status=status,
            person=person,
            waiting=waiting(None, person_of(request), person=person.pk),
            is_oneself=person.pk == request.user.pk,
            edit=sent.get("edit") or PersonForm(initial=names),
            close=sent.get("close") or ReasonForm(auto_id="close_%s"),
            open=sent.get("open") or ReasonForm(auto_id="open_%s"),
            join=sent.get("join") or JoinGroupForm(person=person, auto_id="join_%s"),
            memberships=[(each, _leave(each, sent)) for each in memberships],
        )


def people_found(wanted: str) -> QuerySet[User]:
    """The people in whose names or email each of the words is found."""
    people = User.objects.prefetch_related("groups").order_by(
        "-is_active", "first_name", "last_name", "username"
    )
    for word in wanted.split():
        people = people.filter(
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    return people


def _leave(membership: Membership, sent: dict[str, forms.Form]) -> forms.Form:
    name = f"leave_{membership.group_id}"
    return sent.get(name) or ReasonForm(auto_id=f"{name}_%s")
