"""Who is in a group that decides something, and whose account is open: given by two."""

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.actions import add_member
from approvals.requests.policy import reviewers_for
from audit.context import current
from tasks.access.administrators import administrators_of_people
from tasks.access.rights import Right
from tasks.actions.changes.base import Change
from tasks.declaration.registry import registry
from tasks.models import ApprovalRule, Proposal, TaskGroupPermission

if TYPE_CHECKING:
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
        return get_user_model().objects.get(pk=self.proposal.content["person"])

    def administrators(self) -> "QuerySet[User]":
        return administrators_of_people()

    def gains(self) -> "set[User]":
        return {self.person}

    def concerns(self, other: Proposal) -> bool:
        return (other.kind, other.content) == (self.proposal.kind, self.proposal.content)


class Joining(PeopleChange):
    """A person is put into a group."""

    @property
    def title(self) -> str:
        content = self.proposal.content
        return f"Put {content['name']} into “{content['group_name']}”"

    def facts(self) -> list[list[str]]:
        members = sorted(map(str, reviewers_for([group := self._group()], ())))
        return [
            [
                "What follows",
                "They do and decide what the group does, but not what was asked before.",
            ],
            ["What the group may do", "\n".join(may_do(group))],
            ["In the group now", ", ".join(members) or "Nobody"],
        ]

    def rows(self) -> list[list[str]]:
        return [[f"In “{self.proposal.content['group_name']}”", "No", "Yes"]]

    def check(self) -> None:
        if not self.person.is_active:
            raise ValidationError(f"The account of {self.person} is closed.")
        if self._group().user_set.filter(pk=self.person.pk).exists():
            raise ValidationError(f"{self.person} is in “{self._group()}” already.")

    def make(self) -> None:
        now = current()
        by = get_user_model().objects.get(pk=now.user_id or 0)
        add_member(user=self.person, group=self._group(), by=by, door=now.door, reason=now.reason)

    def _group(self) -> Group:
        group = Group.objects.filter(pk=self.proposal.content["group"]).first()
        if group is None:
            raise ValidationError("The group is not there any more.")
        return group


class Opening(PeopleChange):
    """A closed account that may do something is opened again."""

    @property
    def title(self) -> str:
        return f"Open the account of {self.proposal.content['name']} again"

    def administrators(self) -> "QuerySet[User]":
        people = super().administrators()
        return people.filter(is_superuser=True) if self.person.is_superuser else people

    def facts(self) -> list[list[str]]:
        groups = self.person.groups.order_by("name").values_list("name", flat=True)
        return [
            ["What follows", "They can sign in again, with the groups and rights that they had."],
            ["Groups", ", ".join(groups) or "None"],
            ["Administers everything", "Yes" if self.person.is_superuser else "No"],
        ]

    def rows(self) -> list[list[str]]:
        return [["The account", "Closed", "Open"]]

    def check(self) -> None:
        if self.person.is_active:
            raise ValidationError(f"The account of {self.person} is open already.")

    def make(self) -> None:
        person = self.person
        person.is_active = True
        person.save(update_fields=["is_active"])


def may_do(group: Group) -> list[str]:
    """“Run it: Issue account credit”, “Decides: Credits above 100 (Issue account credit)”."""
    grants = TaskGroupPermission.objects.filter(group=group)
    held = grants.select_related("content_object", "permission").order_by("content_object__name")
    rules = ApprovalRule.objects.filter(ended_at=None, groups=group).select_related("task")
    return [
        *(f"{Right.of(g.permission.codename).label}: {g.content_object}" for g in held),
        *(f"Decides: {rule} ({rule.task})" for rule in rules),
        *(
            f"Runs it in an emergency, without approval: {task.name}"
            for task in registry.all()
            if task.break_glass and task.break_glass.group == group.name
        ),
    ]
