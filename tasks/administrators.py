"""Who administers a task, who of them could agree to a change of it, and whether it was ever shared.

A change that one person proposes needs another one, and never somebody who has a run of the task
waiting: a laxer rule would let them ask anew.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from tasks.access import Right, who
from tasks.models import Proposal, Run, Task, TaskGroupPermission, TaskUserPermission

if TYPE_CHECKING:
    from backoffice.models import User


def administrators(task: Task) -> "QuerySet[User]":
    """The active people who administer a task, superusers among them."""
    granted = who(Right.CHANGE, task).values("pk")
    people = get_user_model().objects.filter(Q(pk__in=granted) | Q(is_superuser=True))
    return people.filter(is_active=True)


def could_agree(proposal: Proposal) -> "QuerySet[User]":
    """Those who could agree to what is proposed, as things stand now."""
    waiting = Run.objects.filter(task=proposal.task, status=Run.Status.AWAITING_APPROVAL)
    others = administrators(proposal.task).exclude(pk=proposal.proposed_by_id)
    return others.exclude(pk__in=waiting.values("requested_by"))


def was_shared(task: Task, person: "User") -> bool:
    """Whether anybody other than this person has ever administered the task.

    The history says so, which nobody rewrites: an account that is closed and a right that is taken
    away stay in it. The database asks the same: tasks_was_shared, in migrations/0016_proposals.py.
    """
    people: Any = get_user_model()  # its history, and that of backoffice.Membership, stand above us
    superusers = people.history.filter(is_superuser=True, is_active=True)
    held = {"content_object": task.pk, "permission__codename": Right.CHANGE.codename}
    by_name = TaskUserPermission.history.filter(**held).exclude(user=person)
    groups = TaskGroupPermission.history.filter(**held).values("group")
    members = people.groups.through.history.filter(group__in=groups).exclude(user=person)
    found = (superusers.exclude(id=person.pk), by_name, members)
    return any(each.exists() for each in found)
