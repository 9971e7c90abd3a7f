"""Forms that come too late, and addresses that take forms only: nobody is left on an empty error page."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from audit.admin.unsent import Fields, first_notice, keep
from backoffice.error_pages import error_page
from tasks.admin.requests.unsent import typed_values

TYPED: Final = "reason"  # what every form of ours calls its text
TOO_LATE: Final = "You were signed out, or the page was too old. Nothing was sent or recorded."
FORMS_ONLY: Final = "Nothing was done. Use the form on this page."


class UnsentForms:
    """Keeps what somebody without a session typed, and leads from a form's address to its page.

    Stands after the middleware of sessions, people and messages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method == "POST" and _asks_to_sign_in(response):
            keep(request, _typed(request))
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and _is_browser(request):
            return _to_the_page(request)
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Before a page is made, so that it says what was not sent. A probe needs no session."""
        match = request.resolver_match
        is_page = match is not None and "admin" in match.namespaces
        if is_page and request.method == "GET" and request.user.is_authenticated:
            _notify_of_unsent(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form with an old token: the same page with what was typed, if the form was ours.

    Only the browser can say so, by the Origin that it sends. Of any other form nothing is kept:
    a page of somebody else's must not write into ours.
    """
    origin = f"{request.scheme}://{request.get_host()}"
    if request.headers.get("Origin") == origin and keep(request, _typed(request)):
        return redirect(request.path)
    return error_page(request, "403_csrf.html", status=403)


def _typed(request: HttpRequest) -> Fields:
    """The text of a form, and the values of a task's: no password, no secret, no file."""
    match = request.resolver_match
    if match and match.view_name == "admin:tasks_task_request":
        return typed_values(match.kwargs["slug"], request.POST)
    return {TYPED: request.POST.getlist(TYPED)}


def _asks_to_sign_in(response: HttpResponseBase) -> bool:
    return response.headers.get("Location", "").startswith(f"{reverse('admin:login')}?")


def _is_browser(request: HttpRequest) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def _notify_of_unsent(request: HttpRequest) -> None:
    fields = first_notice(request, request.path)
    if fields is not None:
        typed = fields.get(TYPED, "")
        text = f"{TOO_LATE} You had typed: “{typed}”." if typed else TOO_LATE
        messages.warning(request, f"{text} Check it and send it again.")


def _to_the_page(request: HttpRequest) -> HttpResponse:
    """The page that a form stands on is at the address above the form's own."""
    if not len(messages.get_messages(request)):  # reading them would remove them
        messages.warning(request, FORMS_ONLY)
    above = request.path.rstrip("/").rpartition("/")[0]
    return redirect(f"{above}/")
