"""Requests that cannot be read: what no form of ours has sent, and what is too large."""

from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

TOO_LARGE: Final = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
READ_TO_THE_END: Final = 20 * 1024 * 1024  # bytes
PIECE: Final = 64 * 1024
NUL: Final = "\0"


class NoNulMiddleware:
    """Refuses NUL characters wherever text comes in: no database column holds one.

    Without it each search, filter and reason would have to remember to look for them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if NUL in request.path or _holds_nul(request.GET.lists()):
            raise SuspiciousOperation("There is a NUL character in the address.")
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: object,
        kwargs: object,
    ) -> None:
        """Look at what a page has sent. Doors for programs read the body themselves."""
        if not getattr(view, "csrf_exempt", False) and _holds_nul(request.POST.lists()):
            raise SuspiciousOperation("There is a NUL character in the form.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what could not be read, and why, where a person can do something about it."""
    too_large = isinstance(exception, TOO_LARGE)
    if too_large:
        _read_to_the_end(request)
    return HttpResponse(render_to_string("400.html", {"too_large": too_large}), status=400)


def _holds_nul(sent: Any) -> bool:  # noqa: ANN401 - the names of a QueryDict with their values
    return any(NUL in text for name, values in sent for text in (name, *values))


def _read_to_the_end(request: HttpRequest) -> None:
    """Take the rest of the body: a browser that is still sending shows no answer, only an error."""
    try:
        for _ in range(READ_TO_THE_END // PIECE):
            if not request.read(PIECE):
                return
    except OSError:  # it has gone away
        return
