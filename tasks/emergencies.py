"""Breaking the glass: running without approval what cannot wait for it. Rare, capped, and reviewed."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import Group
from django.db.models.functions import Now

from approvals.models import ApprovalRequest
from approvals.policy import StageSpec
from tasks import vault
from tasks.access import Right, who
from tasks.models import Emergency, Run, Task
from tasks.parameters import Money
from tasks.registry import RegisteredTask, UnknownTask, registry

if TYPE_CHECKING:
    from backoffice.models import User

REVIEWERS: Final = 2
REVIEWED_WITHIN: Final = timedelta(hours=24)
COUNTED_OVER: Final = timedelta(hours=24)
NOT_HERE: Final = "This task has no way around its approvals, not in an emergency either."


def code_of(task: Task) -> RegisteredTask | None:
    try:
        return registry.get(task.slug)
    except UnknownTask:
        return None


def emergency_of(run: Run) -> Emergency | None:
    """That it was run in an emergency, with what became of the review."""
    if run.approval is None or run.approval.status != ApprovalRequest.Status.WITHDRAWN:
        return None
    return Emergency.objects.select_related("by", "review").filter(run=run).first()


def is_offered(run: Run, person: "User") -> bool:
    """Whether the page speaks of it: to who asked, on call, while it waits."""
    registered = code_of(run.task)
    waits = run.status == Run.Status.AWAITING_APPROVAL and run.requested_by_id == person.pk
    return bool(
        waits
        and registered
        and registered.break_glass
        and is_on_call(person, registered.break_glass.group)
    )


def why_not(run: Run, person: "User") -> str:
    """Why this person may not run this without approval. Empty when they may."""
    registered = code_of(run.task)
    glass = registered.break_glass if registered else None
    if registered is None or glass is None:
        return NOT_HERE
    if run.requested_by_id != person.pk:
        return "Only who asked for it can run it in an emergency."
    if run.status != Run.Status.AWAITING_APPROVAL:
        return "It does not wait for approval any more."
    if not is_on_call(person, glass.group):
        return f"Only active members of “{glass.group}” can run it in an emergency."
    if lately(run.task) >= glass.per_day:
        return _too_often(glass.per_day)
    return _too_much(registered, run, glass.up_to)


def is_on_call(person: "User", group: str) -> bool:
    """Whether this person is a member now. Being a superuser does not make anybody one."""
    return Group.objects.filter(name=group, user=person, user__is_active=True).exists()


def lately(task: Task) -> int:
    """How many emergencies of this task there were in the last 24 hours."""
    return Emergency.objects.filter(run__task=task, at__gt=Now() - COUNTED_OVER).count()


def _too_often(per_day: int) -> str:
    times = "once" if per_day == 1 else f"{per_day} times"
    return f"It was run in an emergency {times} within 24 hours already, and not more is allowed."


def _too_much(registered: RegisteredTask, run: Run, up_to: Decimal | None) -> str:
    values = vault.typed_values(registered, run).values()
    amounts = [value.amount for value in values if isinstance(value, Money)]
    if up_to is not None and any(amount > up_to for amount in amounts):
        return f"In an emergency it runs with at most {up_to:,}. Let it wait for approval."
    return ""


def review_stage(run: Run) -> StageSpec:
    """Two who review it afterwards: of those who would have approved it, and who may approve it."""
    groups, people = set[Group](), set["User"](who(Right.APPROVE, run.task))
    for stage in run.approval.stages.all() if run.approval else ():
        groups.update(stage.groups.all())
        people.update(stage.people.all())
    return StageSpec("Review of an emergency", REVIEWERS, list(groups), list(people))


def asked_about(request: ApprovalRequest) -> "Iterable[User]":
    """Everybody who was asked to approve it."""
    return (reviewer.person for stage in request.stages.all() for reviewer in stage.reviewers.all())
