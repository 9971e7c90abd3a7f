"""Who may do what with all tasks: the matrix, and everything that one group or person holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from audit.admin.pages import page, person_of
from tasks.access.holders import Holder, held_by, of_groups, of_people, through_groups
from tasks.access.rights import Right, tasks_for
from tasks.admin.pages import MAY_READ_ALL
from tasks.admin.settings.grants import LevelsForm, Row, apply, say_changed
from tasks.models import Task

if TYPE_CHECKING:
    from backoffice.models import User


@dataclass
class Line:
    """One task of the matrix: the level of each group, in their order, and people by name."""

    task: Task
    levels: list[str]
    people: list[tuple["User", str]] = field(default_factory=list)


class HolderForm(LevelsForm):
    """The matrix of one group or person: a row for each task."""

    def key(self, row: Row) -> str:
        return f"task-{row.task.pk}"

    def label(self, row: Row) -> str:
        return str(row.task)


@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    """Tasks down, groups across. Four queries."""
    tasks = list(_shown_to(request).order_by("category", "name"))
    by_group = of_groups(tasks)
    by_person = of_people(tasks)
    groups = list(Group.objects.filter(pk__in={pk for _, pk in by_group}).order_by("name"))
    people = get_user_model().objects.in_bulk({pk for _, pk in by_person})
    lines = {
        task.pk: Line(task, [_label(by_group.get((task.pk, g.pk))) for g in groups])
        for task in tasks
    }
    for (task, holder), level in sorted(by_person.items()):
        lines[task].people.append((people[holder], _label(level)))
    changeable = set(tasks_for(person_of(request), Right.CHANGE).values_list("pk", flat=True))
    return page(
        request,
        "tasks/settings/permissions.html",
        title="Permissions",
        groups=groups,
        lines=list(lines.values()),
        changeable=changeable,
    )


def of_holder(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """What one group or person may do, task by task, to be changed where the reader administers it."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    tasks = list(_shown_to(request).order_by("category", "name"))
    holder = _holder(kind, pk)
    rows = _rows(holder, tasks)
    mine = set(tasks_for(person_of(request), Right.CHANGE).values_list("pk", flat=True))
    form = HolderForm(request.POST or None, rows=[row for row in rows if row.task.pk in mine])
    if request.method == "POST" and form.is_valid():
        say_changed(request, apply(form, by=person_of(request)))
        return redirect("admin:tasks_holder_permissions", kind, pk)
    through = _through(holder, tasks)
    return page(
        request,
        "tasks/settings/holder.html",
        title=f"Permissions of {holder}",
        status=422 if form.is_bound else 200,
        holder=holder,
        kind=kind,
        form=form,
        matrix=[(*each, through.get(each[0].task.pk, "")) for each in form.matrix()],
        others=[(row.task, row.label, through.get(row.task.pk, "")) for row in rows
                if row.task.pk not in mine and (row.level or row.task.pk in through)],
    )  # fmt: skip


def _shown_to(request: HttpRequest) -> QuerySet[Task]:
    """The tasks whose permissions this person may read: those they administer, an auditor all."""
    person = person_of(request)
    if person.has_perm(MAY_READ_ALL):
        return Task.objects.filter(retired_at=None)
    tasks = tasks_for(person, Right.CHANGE).filter(retired_at=None)
    if not tasks.exists():
        raise Http404
    return tasks


def _holder(kind: str, pk: int) -> Holder:
    if kind == "group":
        return get_object_or_404(Group, pk=pk)
    return get_object_or_404(get_user_model(), pk=pk)


def _rows(holder: Holder, tasks: Iterable[Task]) -> list[Row]:
    held = held_by(holder, tasks)
    return [
        Row(task, holder, held[task.pk].name.lower() if task.pk in held else "") for task in tasks
    ]


def _through(holder: Holder, tasks: Iterable[Task]) -> dict[int, str]:
    """What a person has through their groups, by task, in words."""
    if isinstance(holder, Group):
        return {}
    return {
        task: ", ".join(f"{right.label} ({name})" for name, right in found)
        for task, found in through_groups(holder, tasks).items()
    }


def _label(right: Right | None) -> str:
    return right.label if right else ""
