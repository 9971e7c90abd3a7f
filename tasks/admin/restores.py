"""The page on which administrators reconcile a database that was restored from a backup."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.views.decorators.http import require_POST, require_safe

from audit.admin.base import OnePageAdmin
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal
from tasks.access.restores import is_held, open_restore, reconciled, to_reconcile
from tasks.actions.restores import look_up_unfinished, reconcile_run
from tasks.actions.restores.reconciling import objection, steps_to_look_for
from tasks.actions.runs.look_ups import Look, last_look, look_up_of
from tasks.admin.pages import Choice
from tasks.models import Reconciliation, Run

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from backoffice.models import User

Decision = Reconciliation.Decision
PAGE: Final = "admin:tasks_reconciliation_changelist"
MOST: Final = 50  # runs on the page
FOLLOWS: Final = {
    Decision.KEEP: (
        "It was not done, or only as far as the look-up shows. What the look-up shows is recorded "
        "and not sent again; the rest follows after the restart."
    ),
    Decision.UNKNOWN: "Its outcome becomes unknown. A task administrator resolves it.",
    Decision.CANCEL: "Nothing more of it happens. Say so if it was done already.",
}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run to reconcile, as the page shows it."""

    run: Run
    look: Look | None
    can_look: bool
    steps: list[str]
    choices: list[Choice]


@admin.register(Reconciliation)
class ReconciliationAdmin(OnePageAdmin):
    """For administrators: for others it does not exist."""

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_administrator(request.user)

    def one_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        return restores(request)

    def own_urls(self) -> list[URLPattern]:
        return [
            self.own_url("<uuid:pk>/look-up/", look, "look_up"),
            self.own_url("<uuid:pk>/decide/", decide, "decide"),
        ]


def is_administrator(person: "User | AnonymousUser") -> bool:
    return bool(person.is_superuser and person.is_active)


@require_safe
def restores(request: HttpRequest) -> HttpResponse:
    """The runs that were unfinished in the backup, with what may be decided about each."""
    restore = open_restore()
    if restore is None:
        return page(request, "tasks/restores.html", title="Restored database", unrecorded=is_held())
    now = database_now()
    left = list(to_reconcile(restore).select_related("task", "requested_by"))
    return page(
        request,
        "tasks/restores.html",
        title="Restored database",
        restore=restore,
        left=len(left),
        unfinished=[shown(run, since=restore.recorded_at, now=now) for run in left[:MOST]],
        decided=reconciled(restore)[:MOST],
    )


def shown(run: Run, *, since: datetime, now: datetime) -> Unfinished:
    """What the page says of one run."""
    seen = last_look(run, before=now, since=since)
    return Unfinished(
        run,
        seen,
        look_up_of(run) is not None,
        [sent.step for sent in steps_to_look_for(run)],
        [
            Choice(d.value, str(d.label), FOLLOWS[d], objection(run, d, seen, at=now))
            for d in Decision
        ],
    )


@require_POST
def look(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the external system. What it shows is on the page, and on record."""
    try:
        look_up_unfinished(_existing(pk), by=person_of(request), door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect(PAGE)


@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write down what was found about one run."""
    decision = request.POST.get("decision", "")
    if decision not in Decision.values:
        messages.error(request, "Choose what to do with the run.")
        return redirect(PAGE)
    try:
        made = reconcile_run(
            _existing(pk),
            decision=decision,
            by=person_of(request),
            door=Door.ADMIN,
            reason=request.POST.get("reason", ""),
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Recorded: {made.get_decision_display()}.")
    return redirect(PAGE)


def _existing(pk: UUID) -> UUID:
    """The id, of a run that exists. Who may is the action's to say. Raises Http404."""
    return get_object_or_404(Run.objects.only("pk"), pk=pk).pk
