"""What the views here share: who asks, and a page of the admin site."""

from typing import TYPE_CHECKING, cast

from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

if TYPE_CHECKING:
    from backoffice.models import User


def person_of(request: HttpRequest) -> "User":
    """Who is signed in: the admin site lets nobody else through."""
    return cast("User", request.user)


def page(
    request: HttpRequest, template: str, *, title: str, status: int = 200, **context: object
) -> HttpResponse:
    """A page inside the admin site."""
    request.current_app = site.name
    context = {**site.each_context(request), "title": title, **context}
    return TemplateResponse(request, template, context, status=status)
