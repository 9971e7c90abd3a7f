"""What the pages of tasks have in common."""

from typing import TYPE_CHECKING

from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse

from tasks.access import Right, tasks_for
from tasks.models import Task
from tasks.registry import RegisteredTask, UnknownTask, registry

if TYPE_CHECKING:
    from backoffice.models import User

MAY_READ_ALL = "audit.view_everything"


def person_of(request: HttpRequest) -> "User":
    """The person behind a request. The admin site lets nobody else through."""
    if not isinstance(request.user, get_user_model()):
        raise Http404
    return request.user


def task_or_404(request: HttpRequest, slug: str, right: Right) -> Task:
    """The task, for somebody with this right; for others there is none."""
    task = tasks_for(person_of(request), right).filter(slug=slug).first()
    if task is None:
        raise Http404
    return task


def code_of(task: Task) -> RegisteredTask | None:
    """The code behind a task, unless it is gone."""
    try:
        return registry.get(task.slug) if task.retired_at is None else None
    except UnknownTask:
        return None


def page(
    request: HttpRequest, template: str, *, title: str, status: int = 200, **context: object
) -> TemplateResponse:
    """A page inside the admin site."""
    return TemplateResponse(
        request, template, {**site.each_context(request), "title": title, **context}, status=status
    )
