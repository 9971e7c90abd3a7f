"""Everything that is set on a task, on one page; and the list of the tasks one administers."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from audit.admin.pages import page, person_of
from tasks.access.rights import Right, allowed, tasks_for
from tasks.admin.pages import declared_by, task_or_404
from tasks.admin.settings.from_code import said_in_code
from tasks.admin.settings.grants import GrantsForm, apply, say_changed
from tasks.admin.settings.proposed_changes import how_many_agree, waiting
from tasks.admin.settings.versions import earlier_versions
from tasks.admin.settings.warnings import warnings_about
from tasks.models import Task
from tasks.rules.evaluation import rules_in_force
from tasks.rules.sentences import rule_in_words
from tasks.rules.texts import besides


@require_safe
def every_task(request: HttpRequest) -> HttpResponse:
    """The tasks that this person administers."""
    tasks = tasks_for(person_of(request), Right.CHANGE).annotate(
        in_force=Count("rules", filter=Q(rules__ended_at=None), distinct=True),
        groups=Count("group_grants", distinct=True),
        people=Count("user_grants", distinct=True),
    )
    return page(request, "tasks/settings/list.html", title="Task settings", tasks=tasks)


@require_safe
def one_task(request: HttpRequest, slug: str) -> HttpResponse:
    """What is set on one task."""
    task = task_or_404(request, slug, Right.CHANGE)
    return _show(request, task, GrantsForm(task=task))


@require_POST
def save_grants(request: HttpRequest, slug: str) -> HttpResponse:
    """Give and take what was changed in the matrix."""
    task = task_or_404(request, slug, Right.CHANGE)
    form = GrantsForm(request.POST, task=task)
    if not form.is_valid():
        return _show(request, task, form)
    say_changed(request, apply(form, by=person_of(request)))
    # Who has just given up administering the task cannot see its settings any more.
    if allowed(person_of(request), Right.CHANGE, task):
        return redirect("admin:tasks_task_settings", task.slug)
    return redirect("admin:tasks_task_changelist")


def _show(
    request: HttpRequest, task: Task, grants: GrantsForm, *, status: int = 200
) -> HttpResponse:
    """The page of settings, with the grants as they are being changed."""
    rules, person = rules_in_force(task), person_of(request)
    declared = declared_by(task)
    return page(
        request,
        "tasks/settings/task.html",
        title=f"Settings of “{task}”",
        status=status,
        task=task,
        rules=[(rule, rule_in_words(rule, declared), besides(rule)) for rule in rules],
        waiting=waiting(task, person),
        takes=how_many_agree(task, person),
        earlier=earlier_versions(task),
        grants=grants,
        warnings=warnings_about(task, rules),
        said_in_code=said_in_code(task),
    )
