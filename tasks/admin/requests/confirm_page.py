"""What a person sees before a run of theirs starts: what would change, and what is known of others like it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict

from audit.admin.pages import page
from tasks import parameters
from tasks.actions import NotConfirmed
from tasks.models import Task
from tasks.parameters import Money
from tasks.rules.texts import deciders

SEEN: Final = "run-seen"  # the seal of what was shown
SKIP: Final = "run-unconfirmed"  # from the next time on, up to this amount
EDIT: Final = "run-edit"  # back to the form


def show_before_it_runs(
    request: HttpRequest,
    task: Task,
    form: parameters.ParameterForm | None,
    unseen: NotConfirmed,
) -> HttpResponse:
    """The page, which sends the same form once more, with the seal of what it shows."""
    shown, again = unseen.shown, list(_again(request, form)) if form else []
    return page(
        request,
        "tasks/confirm.html",
        title="Check before it runs",
        task=task,
        shown=shown,
        changed=unseen.changed,
        stages=[(s.because or s.name, deciders(s.in_words, (), s.needed)) for s in shown.stages],
        sent=list(_sent(request, without=[field.html_name for field in again])),
        again=again,
        seen=SEEN,
        edit=EDIT,
        skip=SKIP,
    )


def amount_to_skip(sent: QueryDict) -> Money | None:
    """Up to which amount the person starts runs without this page from now on, if they said so."""
    amount, _, currency = sent.get(SKIP, "").partition(" ")
    try:
        return Money(Decimal(amount), currency) if currency else None
    except (ValueError, ArithmeticError):
        return None


def _sent(request: HttpRequest, *, without: list[str]) -> Iterator[tuple[str, str]]:
    """What was sent, to be sent again, without what the page has of its own and what is secret."""
    for name, values in request.POST.lists():
        if name not in ("csrfmiddlewaretoken", SEEN, EDIT, SKIP, *without):
            yield from ((name, value) for value in values)


def _again(request: HttpRequest, form: parameters.ParameterForm) -> Iterator[forms.BoundField]:
    """What no page can hold: files, which are chosen again, and secrets, which are entered again."""
    for parameter in form.parameters:
        field = form[parameter.name]
        widget = field.field.widget
        given = request.FILES if widget.needs_multipart_form else request.POST
        lost = widget.needs_multipart_form or isinstance(widget, forms.PasswordInput)
        if lost and given.get(field.html_name):
            yield field
