"""The door to breaking the glass: a form on the page of a run that waits for approval."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.actions import prove_by_password
from approvals.admin.answering import session_of
from audit.admin.pages import person_of
from audit.context import Door
from audit.transitions import Refusal
from tasks import actions
from tasks.admin.pages import run_or_404


@require_POST
def break_glass(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Run it without approval: with the password, and with why it cannot wait."""
    run, person = run_or_404(request, pk), person_of(request)
    session = session_of(request)
    try:
        if password := request.POST.get("password", ""):
            prove_by_password(person, password, session=session, door=Door.ADMIN)
        reason = request.POST.get("reason", "")
        actions.break_glass(run.pk, by=person, door=Door.ADMIN, reason=reason, session=session)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request,
            "Running now, without approval. The reviewers are notified; two people will review it.",
        )
    return redirect("admin:tasks_run_change", run.pk)
