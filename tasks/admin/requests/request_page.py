"""One task: its form, and what happens when it is sent."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.admin.pages import page, person_of
from audit.admin.unsent import take
from audit.context import Door
from audit.transitions import Refusal
from tasks import parameters
from tasks.access.rights import Right, allowed, runs_for
from tasks.access.stops import stop_of
from tasks.actions import (
    InvalidValues,
    NotConfirmed,
    confirm_again,
    request_run,
    skip_confirmation,
)
from tasks.actions.runs.requests import run_of_form
from tasks.admin.pages import code_of, declared_by, task_or_404
from tasks.admin.requests.confirm_page import EDIT, SEEN, SKIP, amount_to_skip, show_before_it_runs
from tasks.admin.requests.prefilled import Before, given_with, values_of
from tasks.admin.requests.request_form import RequestForm, request_form
from tasks.admin.rows import parameters_with_rows
from tasks.declaration.errors import Refused
from tasks.declaration.registry import RegisteredTask
from tasks.declaration.tickets import LONGEST, help_for_ticket, needs_ticket
from tasks.models import Run, Task
from tasks.rules.evaluation import rules_in_force
from tasks.rules.sentences import rule_in_words
from tasks.rules.texts import always_holds
from tasks.runs.concurrency import Taken
from tasks.runs.confirmation_limits import unconfirmed_amounts
from tasks.runs.partial import warning_of
from tasks.runs.texts import paragraphs
from tasks.runs.undo import NotUndoable, check_undoable, values_to_undo

if TYPE_CHECKING:
    from backoffice.models import User

RECENT = 5


@require_http_methods(["GET", "HEAD", "POST"])
def request_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The task with its form; or what somebody sees who may only look at it."""
    task = task_or_404(request, slug, Right.VIEW)
    if request.method == "POST":
        return _send(request, task)
    if unsent := take(request, request.path):
        return _as_typed(request, task, unsent)
    before = Before.of(request, task, request.GET)
    why = request_form(request, task, **_first(request, before), **before.keys())
    try:
        form = _form_of(request, task, before)
    except NotUndoable as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:tasks_run_change", request.GET["undo"])
    is_new = form is not None and not any(before.keys().values())
    filled = parameters.fill_from(form, request.GET) if form and is_new else None
    return _show(request, task, why, form, before=before, filled=filled)


def _as_typed(request: HttpRequest, task: Task, unsent: QueryDict) -> HttpResponse:
    """The form as somebody sent it whose session had ended. It is not sent by this."""
    unsent["run-nonce"] = uuid4().hex
    before = Before.of(
        request, task, {name: unsent.get(f"run-{name}") for name in ("again", "undo", "revise")}
    )
    registered = code_of(task)
    sent: dict[str, Any] = {"data": unsent}
    with suppress(NotUndoable):  # said when it is sent
        sent["locked"] = values_to_undo(before.undo) if before.undo else {}
    form = _form(task, registered, person_of(request), **sent) if registered else None
    return _show(request, task, request_form(request, task, unsent=unsent), form, before=before)


def _first(request: HttpRequest, before: Before) -> dict[str, str]:
    old = before.revise
    said = {"ticket": request.GET.get("run-ticket", "")[:LONGEST]}
    if old:
        said = {"reason": old.reason, "ticket": old.ticket}
    return {"nonce": uuid4().hex, **said}


@require_safe
def options(
    request: HttpRequest, slug: str, parameter: str, right: Right = Right.REQUEST
) -> JsonResponse:
    """What the picker of a parameter offers to this person, who has this right, page by page."""
    registered = code_of(task_or_404(request, slug, right))
    declared = parameters.read(registered.function) if registered else []
    found = next((p for p in declared if p.name == parameter), None)
    number = request.GET.get("page", "1")
    if found is None:
        raise Http404
    person = person_of(request)
    try:
        return JsonResponse(
            parameters.search(
                found,
                person,
                request.GET.get("term", ""),
                int(number) if number.isdecimal() and len(number) < 6 else 1,
                beside=parameters.values_beside(found, declared, person, request.GET),
            )
        )
    except Refused as first:
        said = {"id": "", "text": str(first), "disabled": True}
        return JsonResponse({"results": [said], "pagination": {"more": False}})
    except TypeError as error:  # a parameter that is no object
        raise Http404 from error


def _send(request: HttpRequest, task: Task) -> HttpResponse:
    why = request_form(request, task)
    if not why.is_valid():
        return _show(request, task, why, _bound(request, task, None))
    before = Before.of(request, task, why.cleaned_data)
    try:
        if EDIT in request.POST:
            return _show(request, task, why, _bound(request, task, before.undo), before=before)
        return _requested(request, task, why, before)
    except NotUndoable as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:tasks_run_change", why.cleaned_data["undo"])


def _requested(request: HttpRequest, task: Task, why: RequestForm, before: Before) -> HttpResponse:
    """Ask for it, and show what came of it. Raises `NotUndoable`."""
    asked = partial(
        request_run,
        task.pk,
        requested_by=person_of(request),
        door=Door.ADMIN,
        values=request.POST,
        files=request.FILES,
        reason=why.cleaned_data["reason"],
        ticket=why.cleaned_data["ticket"],
        reviewers=why.picked(),
        again_of=before.again,
        undoes=before.undo,
        revises=before.revise,
        seen=request.POST.get(SEEN, ""),
    )
    try:
        run = _once(request, why.cleaned_data["nonce"], asked)
    except NotConfirmed as unseen:
        form = _bound(request, task, before.undo)
        return show_before_it_runs(request, task, form, unseen)
    except NotUndoable:
        raise
    except (InvalidValues, Refusal) as refused:
        return _refused(request, task, why, before, refused)
    if amount := amount_to_skip(request.POST):
        skip_confirmation(task.pk, up_to=amount, by=person_of(request), door=Door.ADMIN)
    return redirect("admin:tasks_run_change", run.pk)


@require_POST
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """From now on, show each run of this task to this person before it starts."""
    task = task_or_404(request, slug, Right.VIEW)
    confirm_again(task.pk, by=person_of(request), door=Door.ADMIN)
    messages.success(request, "Each run of this task is shown to you again before it starts.")
    return redirect("admin:tasks_task_request", slug)


def _refused(
    request: HttpRequest,
    task: Task,
    why: RequestForm,
    before: Before,
    error: InvalidValues | Refusal,
) -> HttpResponse:
    """The form as it was sent, and why nothing came of it."""
    form = _bound(request, task, before.undo)
    if isinstance(error, InvalidValues):
        form = _with_errors(form, error.form, why)
        return _show(request, task, why, form, before=before)
    if isinstance(error, Taken):
        first = runs_for(person_of(request)).filter(pk=error.by.pk).first()
        return _show(request, task, why, form, status=409, taken=error, first=first, before=before)
    messages.error(request, str(error))
    return _show(request, task, why, form, status=403, before=before)


def _once(request: HttpRequest, nonce: str, asked: Callable[..., Run]) -> Run:
    """The one run of a form, however often it is sent with the same values: by a double click, say.

    Going back in the browser and changing a value is another request. Which forms were sent stands
    with their runs: a session is written as a whole, and the page of another form would forget it.
    """
    if not nonce:
        return asked()
    token = _token(request)
    refused: Refusal | InvalidValues | NotConfirmed
    with transaction.atomic():
        if first := run_of_form(token, person=person_of(request)):
            messages.info(
                request, "You submitted this form twice. It was run once: this is the run."
            )
            return first
        try:
            return asked(form_token=token)
        except (Refusal, InvalidValues, NotConfirmed) as error:
            refused = error  # raised below: that it was refused is on record, and stays there
    raise refused


def _token(request: HttpRequest) -> str:
    """Of all that was sent. The nonce among it is random, so that nothing can be guessed from it."""
    other = ("csrfmiddlewaretoken", SEEN, SKIP)  # of the page, not of what is requested
    values = sorted((n, v) for n, v in request.POST.lists() if n not in other)
    files = sorted(
        (name, file.name, _sha256(file)) for name, given in request.FILES.lists() for file in given
    )
    sent = [person_of(request).pk, values, files]
    return hashlib.sha256(json.dumps(sent).encode()).hexdigest()


def _sha256(file: "UploadedFile[Any]") -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _bound(request: HttpRequest, task: Task, undoes: Run | None) -> parameters.ParameterForm | None:
    registered = code_of(task)
    if registered is None:
        return None
    locked = values_to_undo(undoes) if undoes else {}
    sent = {"data": request.POST, "files": request.FILES, "locked": locked}
    return _form(task, registered, person_of(request), **sent)


def _form_of(request: HttpRequest, task: Task, before: Before) -> parameters.ParameterForm | None:
    """The form that nobody has filled in yet. Raises `NotUndoable`."""
    registered, person = code_of(task), person_of(request)
    if registered is None or not allowed(person, Right.REQUEST, task):
        return None
    if before.undo:
        check_undoable(before.undo, task=task, person=person)
    filled = {
        "initial": values_of(registered, before.revise or before.again),
        "given": given_with(before.revise or before.again),
    }
    locked = values_to_undo(before.undo) if before.undo else {}
    return _form(task, registered, person, locked=locked, **filled)


def _form(
    task: Task,
    registered: RegisteredTask,
    person: "User",
    **sent: Any,  # noqa: ANN401
) -> parameters.ParameterForm:
    return parameters.form_for(
        parameters.read(registered.function),
        person=person,
        picker_url=lambda name: reverse("admin:tasks_task_options", args=[task.slug, name]),
        validate=registered.validate,
        **sent,
    )


def _with_errors(
    form: parameters.ParameterForm | None, refused: forms.Form, why: RequestForm
) -> parameters.ParameterForm | None:
    """Put the messages with which a request was refused where they belong on the page.

    The form's own rules have given theirs; what came after them, such as the preview's, has not.
    """
    if form is None or not form.is_valid():
        return form
    for name, errors in refused.errors.as_data().items():
        for error in errors:
            _place(form, why, name, error)
    return form


def _place(
    form: parameters.ParameterForm, why: RequestForm, name: str, error: ValidationError
) -> None:
    if error.code in ("reason", "ticket", "reviewers"):
        why.add_error(error.code, error)
    else:
        form.add_error(None if name == NON_FIELD_ERRORS else name, error)


def _show(
    request: HttpRequest,
    task: Task,
    why: RequestForm,
    form: parameters.ParameterForm | None,
    *,
    before: Before | None = None,
    status: int = 200,
    **more: Any,  # noqa: ANN401 - for the template
) -> HttpResponse:
    person = person_of(request)
    registered = code_of(task)
    may_request = registered is not None and allowed(person, Right.REQUEST, task)
    rules, may_execute = rules_in_force(task), allowed(person, Right.EXECUTE, task)
    always = any(always_holds(rule) for rule in rules)
    declared = declared_by(task)
    asks = needs_ticket(rules)
    if asks:
        why.fields["ticket"].help_text = help_for_ticket(rules)
    return page(
        request,
        "tasks/task.html",
        title=task.name,
        status=status,
        task=task,
        gone=registered is None,
        form=form if may_request else None,
        why=why,
        half_done=warning_of(before.again) if before else "",
        before=before,
        **more,
        templates=parameters_with_rows(task),
        in_links=" ".join(parameters.in_links(declared)),
        may_execute=may_execute,
        may_change=allowed(person, Right.CHANGE, task),
        description=paragraphs(task.description),
        kind=registered.kind.name if registered and registered.kind.run else "",
        code=registered.kind.texts() if registered else [],
        rules=[rule_in_words(rule, declared) for rule in rules],
        always=always,
        stop=stop_of(task),
        unconfirmed=unconfirmed_amounts(person, task) if may_request else [],
        needs_why=always or not may_execute,
        ticket_asked_for=asks,
        needs_ticket=needs_ticket(rule for rule in rules if always_holds(rule)),
        recent=list(task.runs.filter(requested_by=person).order_by("-requested_at")[:RECENT]),
    )
