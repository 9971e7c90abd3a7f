"""Uncertain runs: the list of those that a person has to look at, and the page that settles one."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.admin.pages import page, person_of
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal
from tasks.access.rights import has_open_resolution, in_doubt
from tasks.actions import Finding, NotResolved, look_up, resolve_run
from tasks.actions.runs.findings import objection
from tasks.actions.runs.look_ups import Look, last_look, look_up_of
from tasks.actions.runs.resolutions import may_not_resolve, open_resolution
from tasks.admin.pages import Choice, run_or_404
from tasks.admin.runs.run_page import facts_of
from tasks.models import Effect, Resolution, Run
from tasks.rules.stages import stages_for_resolving
from tasks.rules.texts import deciders
from tasks.runs.texts import FOLLOWS, whose

if TYPE_CHECKING:
    from backoffice.models import User

LAST_LINES = 20
MOST_STEPS = 100


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below those of runs."""
    view = site.admin_view
    return [
        path("uncertain/", view(uncertain), name="tasks_run_uncertain"),
        path("<uuid:pk>/resolve/", view(resolve), name="tasks_run_resolve"),
        path("<uuid:pk>/look-up/", view(look), name="tasks_run_look_up"),
    ]


@require_safe
def uncertain(request: HttpRequest) -> HttpResponse:
    """The uncertain runs that this person has to look at, oldest first."""
    runs = in_doubt(person_of(request)).select_related("task", "requested_by")
    runs = runs.annotate(proposed=has_open_resolution())
    return page(request, "tasks/uncertain.html", title="Unknown outcomes", runs=runs)


@require_http_methods(["GET", "HEAD", "POST"])
def resolve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is known of an uncertain run, and what a person who has looked makes of it."""
    run = run_or_404(request, pk)
    if request.method != "POST":
        return _page(request, run)
    finding, reason = request.POST.get("finding", ""), request.POST.get("reason", "")
    shown = request.POST.get("look", "")
    try:
        if finding not in Finding.values:
            raise NotResolved("Choose what you found.")
        resolution = resolve_run(
            run.pk,
            finding=finding,
            by=person_of(request),
            door=Door.ADMIN,
            reason=reason,
            look=int(shown) if shown.isdecimal() else None,
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
        if may_not_resolve(run, person_of(request)):
            return redirect("admin:tasks_run_change", run.pk)
        return _page(request, run, status=400, finding=finding, reason=reason)
    messages.success(request, _said(resolution))
    return redirect("admin:tasks_run_change", run.pk)


@require_POST
def look(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the other side. What it shows is on the page, and on record."""
    run = run_or_404(request, pk)
    try:
        look_up(run.pk, by=person_of(request), door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:tasks_run_change", run.pk)
    return redirect("admin:tasks_run_resolve", run.pk)


def _said(resolution: Resolution) -> str:
    if resolution.approval_id:
        return "Submitted for approval. It takes effect when the reviewers approve it."
    return "Resolved. Your name and reason are in the audit log."


def _page(request: HttpRequest, run: Run, *, status: int = 200, **form: str) -> HttpResponse:
    person = person_of(request)
    if why := may_not_resolve(run, person):
        if run.status == Run.Status.UNCERTAIN:
            raise PermissionDenied(why)
        messages.info(request, why)
        return redirect("admin:tasks_run_change", run.pk)
    return page(
        request,
        "tasks/resolve.html",
        title=f"Resolve: {run.task.name}",
        subtitle=run.headline,
        status=status,
        form=form,
        **_shown(run, person),
    )


def _shown(run: Run, person: "User") -> dict[str, Any]:
    now = database_now()
    seen = last_look(run, before=now)
    steps = steps_of(run)
    return {
        "run": run,
        "whose": whose(run.requested_by, person),
        "facts": facts_of(run),
        "steps": steps[:MOST_STEPS],
        "more_steps": len(steps) > MOST_STEPS,
        "lines": list(run.log_lines.order_by("-id")[:LAST_LINES])[::-1],
        "proposed": open_resolution(run),
        "can_look": look_up_of(run) is not None,
        "has_open_steps": any(step.sent_at and not step.answered_at for step in steps),
        "look": seen,
        "choices": choices_of(run, seen),
        "asks": [
            deciders(stage.in_words, (), stage.needed)
            for stage in stages_for_resolving(run, person)
        ],
    }


def steps_of(run: Run) -> list[Effect]:
    """What was sent, was to be sent, or was answered: those without an answer first."""
    steps = run.effects.order_by("id")[: MOST_STEPS + 1]
    return sorted(steps, key=lambda step: step.answered_at is not None)


def choices_of(run: Run, seen: Look | None) -> list[Choice]:
    """Every finding, with what follows from it or why it cannot be chosen."""
    now = database_now()
    return [
        Choice(f.value, str(f.label), FOLLOWS[f], objection(run, f, seen, at=now)) for f in Finding
    ]
