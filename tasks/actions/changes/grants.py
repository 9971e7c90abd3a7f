"""Who is granted what on a task: taken away by one person at once, given by two."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from guardian.shortcuts import assign_perm

from approvals.requests.policy import reviewers_for
from audit.transitions import transition
from tasks.access.rights import Right, require
from tasks.actions.changes.base import TaskChange, members_in_words
from tasks.models import ProposedChange, Task

if TYPE_CHECKING:
    from audit.seals import Json
    from backoffice.models import User

NOTHING = "No permission"


class Grant(TaskChange):
    """A person or a group is given a higher right on a task than they have."""

    @property
    def title(self) -> str:
        content = self.proposed_change.content
        right = Right[content["right"]].label
        return f"Grant {content['name']} “{right}” on “{self.task}”"

    def facts(self) -> list[list[str]]:
        effect = "It takes effect at once. Pending requests are not affected."
        return [["What happens next", effect], *self.gives()]

    def gives(self) -> list[list[str]]:
        holder = self._holder()
        members = isinstance(holder, Group) and members_in_words(holder)
        return [["Current members", members]] if members else []

    def rows(self) -> list[list[str]]:
        content = self.proposed_change.content
        had = Right[content["had"]].label if content["had"] else NOTHING
        return [[f"Permission of {content['name']}", had, Right[content["right"]].label]]

    def gains(self) -> "set[User]":
        holder = self._holder()
        return set(reviewers_for([holder], ()) if isinstance(holder, Group) else [holder])

    def concerns(self, other: ProposedChange) -> bool:
        def key(proposed_change: ProposedChange) -> tuple[str, str | None, int | None]:
            return (
                proposed_change.kind,
                proposed_change.content.get("to"),
                proposed_change.content.get("id"),
            )

        return key(other) == key(self.proposed_change)

    def check(self) -> None:
        content = self.proposed_change.content
        had = held(self.task, to := self._holder())
        if (had.name if had else "") != content["had"]:
            raise ValidationError(
                f"Somebody else changed the permissions of {to}. Check the list and choose again."
            )

    def make(self) -> None:
        right = Right[self.proposed_change.content["right"]]
        set_right(self.task, right, to=self._holder())

    def _holder(self) -> "User | Group":
        content = self.proposed_change.content
        if content["to"] == "person":
            return get_user_model().objects.get(pk=content["id"])
        group = Group.objects.filter(pk=content["id"]).first()
        if group is None:
            raise ValidationError(f"The group “{content['name']}” no longer exists.")
        return group


def content_of(task: Task, right: Right, to: "User | Group") -> "dict[str, Json]":
    """What a proposal says that would give somebody a right."""
    had = held(task, to)
    return {
        "to": "group" if isinstance(to, Group) else "person",
        "id": to.pk,
        "name": str(to) if isinstance(to, Group) else f"{to} ({to.get_username()})",
        "right": right.name,
        "had": had.name if had else "",
    }


def revoke(
    task: Task,
    *,
    of: "User | Group",
    by: "User",
    door: str,
    reason: str = "",
    leaves: Right | None = None,
) -> None:
    """Take the rights on a task from a person or a group at once, all or those above `leaves`.

    Raises `NotGranted` unless `by` administers the task. It never gives more than there is.
    """
    with transition(by=by, door=door, subject=task, reason=reason):
        require(by, Right.CHANGE, task)
        had = held(task, of)
        if had and (leaves is None or leaves < had):
            set_right(task, leaves, to=of)


def held(task: Task, holder: "User | Group") -> Right | None:
    """The highest right that was given to this very person or group on a task."""
    rows = _rows(task, holder).values_list("permission__codename", flat=True)
    return max((Right.of(codename) for codename in rows), default=None)


def set_right(task: Task, right: Right | None, *, to: "User | Group") -> None:
    """Replace what is granted. For the actions of this package, inside their transaction."""
    keep = right.codename if right else ""
    # One by one: a bulk delete would leave no history.
    for row in _rows(task, to).exclude(permission__codename=keep):
        row.delete()
    if right:
        assign_perm(right.codename, to, task)


def _rows(task: Task, holder: "User | Group") -> Any:  # noqa: ANN401 - of either kind of grant
    if isinstance(holder, Group):
        return task.group_grants.filter(group=holder)
    return task.user_grants.filter(user=holder)
