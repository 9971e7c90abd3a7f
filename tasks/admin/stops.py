"""What is stopped: the page on which one person stops something, and proposes to start it again."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from audit.admin.base import OnePageAdmin
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.transitions import Refusal
from tasks.access.restores import left_of
from tasks.access.rights import tasks_to_stop
from tasks.access.stops import in_a_sentence, in_words, may_stop, open_stops, waiting_runs
from tasks.actions.stops import propose_start, stop_tasks
from tasks.models import Stop, Task

if TYPE_CHECKING:
    from backoffice.models import User

Scope = Stop.Scope
_SEPARATOR: Final = ":"
PAGE: Final = "admin:tasks_stop_changelist"


@admin.register(Stop)
class StopAdmin(OnePageAdmin):
    """Who may use the site may see what is stopped: it holds up everybody."""

    def one_page(self, request: HttpRequest) -> HttpResponse:
        return stops(request)

    def own_urls(self) -> list[URLPattern]:
        return [self.own_url("<int:pk>/start/", start, "start")]


class StopForm(forms.Form):
    """What somebody stops, and why. Only what they may stop is offered."""

    what = forms.ChoiceField(label="What to stop", widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        help_text="Shown to everyone affected.",
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        error_messages={"required": "Enter a reason. It is shown to everyone affected."},
    )

    def __init__(self, *args: Any, person: "User", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = choices_for(person)  # type: ignore[attr-defined]

    def stop(self) -> dict[str, Any]:
        """What `stop_tasks` is asked for."""
        scope, _, which = self.cleaned_data["what"].partition(_SEPARATOR)
        task = Task.objects.get(pk=which) if scope == Scope.TASK else None
        category = which if scope == Scope.CATEGORY else ""
        return {"scope": Scope(scope), "task": task, "category": category}


def choices_for(person: "User") -> list[tuple[str, Any]]:
    """What this person may stop, by kind."""
    mine = tasks_to_stop(person).filter(retired_at=None)
    tasks = [(f"{Scope.TASK}{_SEPARATOR}{t.pk}", t.name) for t in mine.order_by("name")]
    names = mine.order_by("category").values_list("category", flat=True).distinct()
    categories = [
        (f"{Scope.CATEGORY}{_SEPARATOR}{name}", f"All tasks in “{name}”") for name in names
    ]
    wide = [
        (str(scope), scope.label)
        for scope in (Scope.MONEY, Scope.EVERYTHING)
        if may_stop(person, Stop(scope=scope))
    ]
    return [("Many at once", wide), ("A category", categories), ("One task", tasks)]


@require_http_methods(["GET", "HEAD", "POST"])
def stops(request: HttpRequest) -> HttpResponse:
    """What is stopped, and the form that stops something."""
    person = person_of(request)
    offered = any(each for _, each in choices_for(person))
    if request.method != "POST":
        first = {"what": request.GET.get("what", "")}
        return _page(request, StopForm(initial=first, person=person) if offered else None)
    form = StopForm(request.POST, person=person)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        reason = form.cleaned_data["reason"]
        stop = stop_tasks(**form.stop(), by=person, door=Door.ADMIN, reason=reason)
    except Refusal as refusal:
        form.add_error("what", str(refusal))
        return _page(request, form, status=403)
    messages.success(
        request, f"You have stopped {in_words(stop)}. Restarting needs a second person."
    )
    return redirect(PAGE)


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose to start again what is stopped."""
    if not open_stops().filter(pk=pk).exists():
        raise Http404
    reason = request.POST.get("reason", "")
    try:
        asked = propose_start(pk, by=person_of(request), door=Door.ADMIN, reason=reason)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(PAGE)
    messages.success(request, "Restart requested. It restarts when a second person approves.")
    return redirect("admin:approvals_approvalrequest_change", asked.pk)


def _page(request: HttpRequest, form: StopForm | None, *, status: int = 200) -> HttpResponse:
    person = person_of(request)
    shown = [
        {
            "stop": stop,
            "what": in_a_sentence(stop),
            "waiting": waiting_runs(stop).count(),
            "may_start": may_stop(person, stop),
            "to_reconcile": left_of(stop),
            "proposed": stop.approval
            if stop.approval and stop.approval.status == stop.approval.Status.PENDING
            else None,
        }
        for stop in open_stops()
    ]
    return page(
        request, "tasks/stops.html", title="Stopped tasks", status=status, form=form, stops=shown
    )
