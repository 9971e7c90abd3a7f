"""The first page: what waits for a person, what they requested, and the tasks they use."""

from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from approvals.requests.inbox import rows
from approvals.requests.policy import to_decide
from audit.admin.pages import page, person_of
from audit.context import Door
from tasks.access.rights import Right, tasks_for
from tasks.actions import pin_task, unpin_task
from tasks.admin.cards import cards_for
from tasks.admin.pages import MAY_READ_ALL, task_or_404
from tasks.admin.runs.outputs import chart_shown
from tasks.models import OPEN, PinnedTask, Run, Task
from tasks.runs.statistics import Week, week_of

if TYPE_CHECKING:
    from backoffice.models import User

MOST_WAITING: Final = 5
MOST_RUNS: Final = 8
MOST_TASKS: Final = 6


def home(request: HttpRequest) -> HttpResponse:
    """What concerns this person now."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    person, now = person_of(request), timezone.now()
    waiting = to_decide(person).order_by("opened_at", "pk")
    return page(
        request,
        "tasks/home.html",
        title="Home",
        waiting=rows(waiting[:MOST_WAITING], person, now=now),
        waiting_count=waiting.count(),
        open_runs=_open_runs(person),
        **_tasks(person),
        **_week(person),
    )


@require_POST
def pin(request: HttpRequest, slug: str) -> HttpResponse:
    """Pin a task, or take it off the home page, and go back to where the button was."""
    task = task_or_404(request, slug, Right.VIEW)
    change = unpin_task if request.POST.get("unpin") else pin_task
    change(task.pk, by=person_of(request), door=Door.ADMIN)
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("admin:index")


def _open_runs(person: "User") -> list[Run]:
    """Their runs that are not over, and what needs them: changes requested, outcome unknown."""
    needs = Q(status__in=OPEN)
    to_edit = Q(status=Run.Status.RETURNED, revised_by=None)
    runs = Run.objects.filter(needs | to_edit, requested_by=person)
    return list(runs.select_related("task").order_by("-requested_at", "-id")[:MOST_RUNS])


def _tasks(person: "User") -> dict[str, Any]:
    """The pinned tasks, then those used of late; for somebody new those that they can request."""
    cards = {card.task.pk: card for card in cards_for(person) if card.task.retired_at is None}
    pins = PinnedTask.objects.filter(person=person).order_by("pinned_at")
    pinned = [pk for pk in pins.values_list("task", flat=True) if pk in cards]
    last = Run.objects.filter(requested_by=person).order_by("-requested_at")
    used = dict.fromkeys(last.values_list("task", flat=True)[:100])
    recent = [cards[pk] for pk in used if pk in cards and pk not in pinned][:MOST_TASKS]
    may = [card for card in cards.values() if card.may_request and card.task.pk not in pinned]
    return {
        "pinned": [cards[pk] for pk in pinned],
        "recent": recent,
        "others": [] if recent or pinned else may[:MOST_TASKS],
    }


def _week(person: "User") -> dict[str, Any]:
    tasks = Task.objects.all() if person.has_perm(MAY_READ_ALL) else tasks_for(person, Right.CHANGE)
    if not tasks.exists():
        return {"week": None}
    week = week_of(tasks, now=timezone.now())
    return {"week": week, "chart": chart_shown(_chart(week))}


def _chart(week: Week) -> dict[str, Any]:
    """As a task's chart is kept."""
    return {
        "kind": "chart",
        "drawn": "line",
        "title": "Runs per day",
        "labels": [f"{day.day} {day:%b}" for day, *_ in week.days],
        "series": [
            ["Requested", [str(requested) for _, requested, _ in week.days]],
            ["Failed or outcome unknown", [str(failed) for *_, failed in week.days]],
        ],
        "x": "Day",
        "y": "",
    }
