"""Who is away, and who decides in their place: the page on which somebody says so."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.timezone import get_default_timezone, localdate, make_aware
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from approvals.actions import end_absence
from approvals.models import Absence
from audit.admin.base import OnePageAdmin
from audit.admin.forms import DayField
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal
from tasks.access.administrators import administrators_of_people
from tasks.actions import propose_delegate
from tasks.actions.changes.delegates import days_in_words
from tasks.admin.settings.proposed_changes import Waiting, say, waiting
from tasks.models import ProposedChange
from tasks.parameters.widgets import date_input

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from backoffice.models import User

PAGE = "admin:approvals_absence_changelist"


@admin.register(Absence)
class AbsenceAdmin(OnePageAdmin):
    """Everybody may be away; of others' absences only who looks after people sees anything."""

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Absence]":
        return _seen_by(person_of(request))

    def one_page(self, request: HttpRequest) -> HttpResponse:
        return absences(request)

    def own_urls(self) -> list[URLPattern]:
        return [self.own_url("<int:pk>/end/", end, "end")]


class _PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs alone
    def label_from_instance(self, obj: Any) -> str:  # noqa: ANN401 - as in the class above
        return f"{obj} ({obj.get_username()})"


class AwayForm(forms.Form):
    """Who is away from which day to which, and who decides meanwhile."""

    person = _PersonField(None, label="Person", widget=UnfoldAdminSelectWidget)
    delegate = _PersonField(
        None,
        label="Delegate",
        empty_label="Choose a person",
        widget=UnfoldAdminSelectWidget,
        help_text="Either of the two can decide. The first decision counts for both.",
    )
    first = DayField(label="First day", widget=date_input(None, None))
    until = DayField(label="Last day", widget=date_input(None, None))
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        help_text="Visible to whoever approves it.",
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        error_messages={"required": "Enter a reason for whoever approves it."},
    )

    def __init__(self, *args: Any, by: "User", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        people = get_user_model().objects.filter(is_active=True)
        people = people.order_by("first_name", "last_name", "username")
        if _looks_after_people(by):
            self.fields["person"].queryset = people  # type: ignore[attr-defined]  # a ModelChoiceField
        else:
            del self.fields["person"]
            people = people.exclude(pk=by.pk)
        self.fields["delegate"].queryset = people  # type: ignore[attr-defined]  # as above
        self.by = by

    def propose(self) -> ProposedChange:
        """Raises `ValidationError` or a `Refusal`, as `propose_delegate` does."""
        said = self.cleaned_data
        return propose_delegate(
            said.get("person", self.by),
            said["delegate"],
            starts_at=_begin_of(said["first"]),
            ends_at=_begin_of(said["until"] + timedelta(days=1)),
            by=self.by,
            door=Door.ADMIN,
            reason=said["reason"],
        )


def _begin_of(day: date) -> datetime:
    # Everybody's day, whoever enters it: that of the server.
    return make_aware(datetime.combine(day, time.min), get_default_timezone())


def _looks_after_people(person: "User") -> bool:
    return administrators_of_people().filter(pk=person.pk).exists()


def _seen_by(person: "User") -> "QuerySet[Absence]":
    found = Absence.objects.select_related("person", "delegate")
    if _looks_after_people(person):
        return found
    return found.filter(person=person) | found.filter(delegate=person)


@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: HttpRequest) -> HttpResponse:
    """Who is away, and the form that says who decides meanwhile."""
    person = person_of(request)
    if request.method != "POST":
        today = localdate()
        first = {"person": person, "first": today, "until": today + timedelta(days=7)}
        return _page(request, AwayForm(initial=first, by=person))
    form = AwayForm(request.POST, by=person)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        proposed_change = form.propose()
    except ValidationError as invalid:
        form.add_error(None, invalid)
    except Refusal as refusal:
        form.add_error("delegate", str(refusal))
    else:
        say(
            request,
            proposed_change,
            made="Saved. You are the only administrator so far, so no approval was needed.",
        )
        return redirect(PAGE)
    return _page(request, form, status=400)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End an absence before its time."""
    person = person_of(request)
    if not _seen_by(person).filter(pk=pk).exists():
        raise Http404
    try:
        ended = end_absence(pk, by=person, door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Ended: {ended.delegate} no longer decides for {ended.person}.")
    return redirect(PAGE)


def _page(request: HttpRequest, form: AwayForm, *, status: int = 200) -> HttpResponse:
    person, now = person_of(request), database_now()
    shown = [
        {
            "absence": absence,
            "days": days_in_words(absence.starts_at, absence.ends_at),
            "is_now": absence.starts_at <= now,
        }
        for absence in _seen_by(person).filter(ended_at=None, ends_at__gt=now)
    ]
    return page(
        request,
        "tasks/absences.html",
        title="Out of office",
        status=status,
        form=form,
        absences=shown,
        waiting=_waiting(person),
    )


def _waiting(person: "User") -> list[Waiting]:
    """What is proposed and waits, as far as it concerns this person."""
    proposed = [
        w for w in waiting(None, person) if w.proposed_change.kind == ProposedChange.Kind.DELEGATE
    ]
    return [w for w in proposed if w.may_open or w.proposed_change.content["person"] == person.pk]
