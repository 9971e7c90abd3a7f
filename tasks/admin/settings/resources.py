"""The systems that tasks reach, for administrators: what each is for, and what is missing. Never a secret."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from audit.admin.pages import page, person_of
from tasks.declaration.registry import registry
from tasks.declaration.resources import all_resources


@require_safe
def resources(request: HttpRequest) -> HttpResponse:
    """Every resource with its address, the tasks that name it, and the variables that are not set."""
    if not person_of(request).is_superuser:
        raise PermissionDenied
    tasks = registry.all()
    found = [
        (each, each.missing(), [task for task in tasks if each in task.resources])
        for each in all_resources()
    ]
    return page(request, "tasks/settings/resources.html", title="Resources", resources=found)
