"""What the views of every package share: who asks, and a page of the admin site."""

from typing import TYPE_CHECKING

from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

if TYPE_CHECKING:
    from backoffice.models import User


def person_of(request: HttpRequest) -> "User":
    """Who is signed in. The admin site lets nobody else through; raises Http404 if it did."""
    if not isinstance(request.user, get_user_model()):
        raise Http404
    return request.user


def page(
    request: HttpRequest, template: str, *, title: str, status: int = 200, **context: object
) -> HttpResponse:
    """A page inside the admin site."""
    request.current_app = site.name
    context = {**site.each_context(request), "title": title, **context}
    return TemplateResponse(request, template, context, status=status)
