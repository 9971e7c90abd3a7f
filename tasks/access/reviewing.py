"""Stages of an approval that ask whoever has a right on a task, for as long as they have it."""

from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import Stage
from approvals.requests.rights import Held
from tasks.access.rights import Right, codenames
from tasks.models import Run, Task, TaskGroupPermission, TaskUserPermission

if TYPE_CHECKING:
    from backoffice.models import User

# The rights that a stage can be put to, and whom it then asks.
IN_WORDS: Final = {
    Right.EXECUTE: "everybody who can run it",
    Right.APPROVE: "everybody who can approve it",
}


class RightsOnTasks:
    """What `approvals` is told of rights: see `approvals.requests.rights.Rights`."""

    def held_in_stage(self, person: OuterRef) -> Q:
        """Of a reviewer's row: whether this person has the right of its stage now."""
        held = Q(pk__in=[])
        for right in IN_WORDS:
            held |= Q(stage__right_held=right.codename) & _has(right, person)
        return held

    def groups_of(self, stage: Stage) -> list[Group]:
        """The groups that have the right of this stage now."""
        return list(_groups(stage.right_on or 0, Right.of(stage.right_held)))

    def in_words(self, right: str) -> str:
        """Who is meant, for people."""
        return IN_WORDS[Right.of(right)]


def _has(right: Right, person: OuterRef) -> Q:
    held = {
        "content_object_id": OuterRef("stage__right_on"),
        "permission__codename__in": codenames(right),
    }
    by_name = TaskUserPermission.objects.filter(user_id=person, **held)
    by_group = TaskGroupPermission.objects.filter(group__user=person, **held)
    return Q(Exists(by_name)) | Q(Exists(by_group))


def holders(task: Task, right: Right) -> Held:
    """Whoever has this right on the task: a stage asks them."""
    held = {"content_object": task, "permission__codename__in": codenames(right)}
    by_name = TaskUserPermission.objects.filter(**held).values("user")
    people = get_user_model().objects.filter(pk__in=by_name)
    return Held(right.codename, task.pk, list(_groups(task.pk, right)), list(people))


def _groups(task_id: int, right: Right) -> QuerySet[Group]:
    held = {"content_object": task_id, "permission__codename__in": codenames(right)}
    return Group.objects.filter(pk__in=TaskGroupPermission.objects.filter(**held).values("group"))


def reviewers_of_stages(run: Run) -> "tuple[list[Group], list[User], list[Right]]":
    """The groups, the people and the rights that the stages of a run's approval name."""
    stages = run.approval.stages.prefetch_related("groups", "people") if run.approval else ()
    groups = {group: None for stage in stages for group in stage.groups.all()}
    people = {person: None for stage in stages for person in stage.people.all()}
    return (
        list(groups),
        list(people),
        [Right.of(stage.right_held) for stage in stages if stage.right_held],
    )
