"""My subscriptions: what I asked to be told of, and the form that asks for more."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit.admin.base import OnePageAdmin
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.transitions import Refusal
from tasks import parameters
from tasks.access.rights import Right, tasks_for
from tasks.actions.subscriptions import NotSubscribed, end_subscription, subscribe
from tasks.declaration.registry import UnknownTask, registry
from tasks.models import Run, Subscription, Task
from tasks.rules.meanings import names_in_words
from tasks.rules.texts import either
from tasks.runs.subscriptions import LONGEST, STATES, check_subscription, names_in

if TYPE_CHECKING:
    from backoffice.models import User

PAGE: Final = "admin:tasks_subscription_changelist"
CHOICES: Final = [(str(state), str(state.label)) for state in STATES]


@admin.register(Subscription)
class SubscriptionAdmin(OnePageAdmin):
    """Everybody has their own and sees no other."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return Subscription.objects.filter(person=person_of(request))

    def has_view_permission(self, request: HttpRequest, obj: Subscription | None = None) -> bool:
        return obj is None or obj.person_id == request.user.pk

    def one_page(self, request: HttpRequest) -> HttpResponse:
        return subscriptions(request)

    def own_urls(self) -> list[URLPattern]:
        return [self.own_url("<int:pk>/end/", end, "end")]


class SubscriptionForm(forms.Form):
    """A task that this person may see, how its runs end, and a condition."""

    task = forms.ModelChoiceField(
        Task.objects.none(),
        label="Task",
        to_field_name="slug",
        widget=UnfoldAdminSelectWidget,
        empty_label="Choose a task",
    )
    states = forms.MultipleChoiceField(
        label="Notify me when a run ends as",
        choices=CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose one or more."},
    )
    condition = forms.CharField(
        label="Only if",
        required=False,
        max_length=LONGEST,
        help_text="Leave empty to be notified of every run.",
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, person: "User", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        shown = tasks_for(person, Right.VIEW).filter(retired_at=None).order_by("name")
        self.fields["task"].queryset = shown  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        task, condition = self.cleaned_data.get("task"), self.cleaned_data.get("condition")
        if task and condition:
            try:
                check_subscription(task, condition)
            except ValidationError as error:
                self.add_error("condition", error)
        return self.cleaned_data


@require_http_methods(["GET", "HEAD", "POST"])
def subscriptions(request: HttpRequest) -> HttpResponse:
    """What this person is told of, and the form for more of it."""
    person = person_of(request)
    if request.method != "POST":
        first = {"task": request.GET.get("task", ""), "states": ["succeeded"]}
        return _page(request, SubscriptionForm(initial=first, person=person))
    form = SubscriptionForm(request.POST, person=person)
    if not form.is_valid():
        return _page(request, form, status=400)
    said = form.cleaned_data
    try:
        subscribe(
            said["task"].pk,
            by=person,
            door=Door.ADMIN,
            states=said["states"],
            condition=said["condition"],
        )
    except Refusal as refusal:
        form.add_error("condition" if isinstance(refusal, NotSubscribed) else "task", str(refusal))
        return _page(request, form, status=400)
    messages.success(request, "Subscribed.")
    return redirect(PAGE)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Be told of it no more."""
    if not Subscription.objects.filter(pk=pk, person=person_of(request)).exists():
        raise Http404
    try:
        end_subscription(pk, by=person_of(request), door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Unsubscribed.")
    return redirect(PAGE)


def _page(request: HttpRequest, form: SubscriptionForm, *, status: int = 200) -> HttpResponse:
    mine = Subscription.objects.filter(person=person_of(request), ended_at=None)
    chosen = form["task"].value()
    task = form.fields["task"].queryset.filter(slug=chosen).first()  # type: ignore[attr-defined]
    return page(
        request,
        "tasks/subscriptions.html",
        title="Subscriptions",
        status=status,
        form=form,
        chosen=task,
        names=_names(task) if task else [],
        mine=[(each, _when(each)) for each in mine.select_related("task").order_by("task__name")],
    )


def _names(task: Task) -> list[tuple[str, str]]:
    try:
        declared = parameters.read(registry.get(task.slug).function)
        return list(names_in_words(declared, names_in(task)).items())
    except UnknownTask:
        return []


def _when(subscription: Subscription) -> str:
    return either([str(Run.Status(state).label).lower() for state in subscription.states])
