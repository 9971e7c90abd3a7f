"""The catalogue: what a person may see, run and ask for, and when it last ran."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import OuterRef, Q, QuerySet, Subquery

from tasks.access.rights import Right, task_ids, tasks_for
from tasks.models import PinnedTask, Run, Task

if TYPE_CHECKING:
    from backoffice.models import User

SEARCHED = ("name", "description", "category", "owner")
_FIRST_SENTENCE = re.compile(r"^(.+?[.!?])(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Card:
    """A task as the catalogue shows it to one person."""

    task: Task
    last: Run | None
    may_request: bool
    may_execute: bool
    may_change: bool
    pinned: bool

    @property
    def sentence(self) -> str:
        """The first sentence of its description."""
        text = " ".join(self.task.description.split())
        found = _FIRST_SENTENCE.match(text)
        return found[1] if found else text

    @property
    def may(self) -> str:
        """What this person may do with it."""
        if self.may_execute:
            return "You can run this"
        return "You can request this" if self.may_request else "View only"


def cards_for(person: "User", words: str = "") -> list[Card]:
    """The tasks this person may see in which each of the words is found. Six queries."""
    tasks = list(_found(tasks_for(person, Right.VIEW), words).annotate(last=_last_run()))
    runs = Run.objects.in_bulk([task.last for task in tasks if task.last])
    pinned = set(PinnedTask.objects.filter(person=person).values_list("task", flat=True))
    may = {right: set(task_ids(person, right)) for right in _ASKED}
    return [
        Card(
            task,
            runs.get(task.last),
            task.pk in may[Right.REQUEST],
            task.pk in may[Right.EXECUTE],
            task.pk in may[Right.CHANGE],
            task.pk in pinned,
        )
        for task in tasks
    ]


_ASKED: Sequence[Right] = (Right.REQUEST, Right.EXECUTE, Right.CHANGE)


def _found(tasks: QuerySet[Task], words: str) -> QuerySet[Task]:
    for word in words.replace("\0", " ").split():
        found = Q()
        for name in SEARCHED:
            found |= Q(**{f"{name}__icontains": word})
        tasks = tasks.filter(found)
    return tasks


def _last_run() -> Subquery:
    runs = Run.objects.filter(task=OuterRef("pk")).order_by("-requested_at", "-id")
    return Subquery(runs.values("pk")[:1])
