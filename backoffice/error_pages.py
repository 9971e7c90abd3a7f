"""The pages for what is not there or not allowed: in the frame of the site for who is signed in."""

from typing import Any, Final

from django.contrib.admin import site
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

FRAME: Final = "backoffice/framed.html"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What does not exist, or not for this person. It does not say which."""
    return error_page(request, "404.html", status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What this person may not do."""
    return error_page(request, "403.html", status=403)


def error_page(request: HttpRequest, template: str, *, status: int) -> HttpResponse:
    """An error in our words, with the sidebar if somebody is signed in and the database answers."""
    return render(request, template, frame_of(request), status=status)


def frame_of(request: HttpRequest) -> dict[str, Any]:
    """What a page needs for the sidebar; nothing where there can be none."""
    user = getattr(request, "user", None)  # some requests end before anybody looks who it is
    if user is None or not user.is_authenticated:
        return {}
    try:
        return {**site.each_context(request), "frame": FRAME}
    except Error:
        return {}
