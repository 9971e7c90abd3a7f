"""Who is in a group that decides something, and whose account is open: given by two."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.actions import add_member
from audit.context import current
from tasks.access.administrators import administrators_of_people
from tasks.access.rights import Right
from tasks.actions.changes.base import Change, members_in_words
from tasks.declaration.registry import registry
from tasks.models import ApprovalRule, ProposedChange, TaskGroupPermission, TaskUserPermission

if TYPE_CHECKING:
    from django.contrib.auth.models import Permission
    from django.db.models import QuerySet

    from backoffice.models import User


class PeopleChange(Change):
    """A change of what one person may do, in all tasks."""

    @property
    def about(self) -> str:
        return "people and groups"

    @property
    def person(self) -> "User":
        """Who is concerned, as their row is now."""
        return get_user_model().objects.get(pk=self.proposed_change.content["person"])

    def administrators(self) -> "QuerySet[User]":
        return administrators_of_people()

    def gains(self) -> "set[User]":
        return {self.person}

    def concerns(self, other: ProposedChange) -> bool:
        return self._subject(other) == self._subject(self.proposed_change)

    def _subject(self, proposed_change: ProposedChange) -> tuple[object, ...]:
        content = proposed_change.content
        return proposed_change.kind, content.get("person"), content.get("group")


class Joining(PeopleChange):
    """A person is put into a group."""

    @property
    def title(self) -> str:
        content = self.proposed_change.content
        return f"Add {content['name']} to “{content['group_name']}”"

    def facts(self) -> list[list[str]]:
        return [
            [
                "What happens next",
                "They get the group's permissions and can decide its new requests. Pending requests "
                "are not affected.",
            ],
            *self.gives(),
            ["Current members", members_in_words(self._group())],
            *_whose_password(self.person),
        ]

    def gives(self) -> list[list[str]]:
        return [["Permissions of the group", "\n".join(may_do(self._group())) or "None"]]

    def rows(self) -> list[list[str]]:
        return [[f"Member of “{self.proposed_change.content['group_name']}”", "No", "Yes"]]

    def check(self) -> None:
        if not self.person.is_active:
            raise ValidationError(f"The account of {self.person} is deactivated.")
        if self._group().user_set.filter(pk=self.person.pk).exists():
            raise ValidationError(f"{self.person} is already in “{self._group()}”.")

    def make(self) -> None:
        now = current()
        by = get_user_model().objects.get(pk=now.user_id or 0)
        add_member(user=self.person, group=self._group(), by=by, door=now.door, reason=now.reason)

    def _group(self) -> Group:
        group = Group.objects.filter(pk=self.proposed_change.content["group"]).first()
        if group is None:
            raise ValidationError("The group no longer exists.")
        return group


class Opening(PeopleChange):
    """A closed account that may do something is opened again."""

    @property
    def title(self) -> str:
        return f"Reactivate the account of {self.proposed_change.content['name']}"

    def administrators(self) -> "QuerySet[User]":
        people = super().administrators()
        return people.filter(is_superuser=True) if self.person.is_superuser else people

    def facts(self) -> list[list[str]]:
        follows = "They can sign in again, with their former groups and permissions."
        return [["What happens next", follows], *self.gives()]

    def gives(self) -> list[list[str]]:
        person = self.person
        groups = person.groups.order_by("name").values_list("name", flat=True)
        return [
            ["Groups", ", ".join(groups) or "None"],
            ["Permissions of their own", "\n".join(_own_permissions(person)) or "None"],
            ["Administrator", "Yes" if person.is_superuser else "No"],
        ]

    def rows(self) -> list[list[str]]:
        return [["Account", "Deactivated", "Active"]]

    def check(self) -> None:
        if self.person.is_active:
            raise ValidationError(f"The account of {self.person} is already active.")

    def make(self) -> None:
        person = self.person
        person.is_active = True
        person.save(update_fields=["is_active"])


def _whose_password(person: "User") -> list[list[str]]:
    """A new account can still be used by whoever made it, which may be who proposes this."""
    if not person.must_change_password:
        return []
    return [["Password", "Chosen by whoever created the account, and not changed yet"]]


def may_do(group: Group) -> list[str]:
    """“Run it: Issue account credit”, “Decides: Credits above 100 (Issue account credit)”."""
    rules = ApprovalRule.objects.filter(ended_at=None).select_related("task").order_by("pk")
    return [
        *_granted(TaskGroupPermission.objects.filter(group=group)),
        *(f"Decides: {rule} ({rule.task})" for rule in rules.filter(groups=group)),
        *(f"Decides when escalated: {r} ({r.task})" for r in rules.filter(escalate_to=group)),
        *(
            f"Emergency runs without approval: {task.name}"
            for task in registry.all()
            if task.break_glass and task.break_glass.group == group.name
        ),
        *_general(group.permissions.all()),
    ]


def _own_permissions(person: "User") -> list[str]:
    granted = _granted(TaskUserPermission.objects.filter(user=person))
    return [*granted, *_general(person.user_permissions.all())]


def _granted(
    grants: "QuerySet[TaskGroupPermission] | QuerySet[TaskUserPermission]",
) -> Iterator[str]:
    for grant in grants.select_related("content_object", "permission").order_by(
        "content_object__name", "pk"
    ):
        yield f"{Right.of(grant.permission.codename).label}: {grant.content_object}"


def _general(permissions: "QuerySet[Permission]") -> Iterator[str]:
    return (f"General permission: {each.name}" for each in permissions.order_by("name", "pk"))
