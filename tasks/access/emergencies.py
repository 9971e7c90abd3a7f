"""Breaking the glass: running without approval what cannot wait for it. Rare, capped, and reviewed."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.functions import Now

from approvals.models import ApprovalRequest
from approvals.requests.policy import StageSpec
from tasks.access.reviewing import holders, reviewers_of_stages
from tasks.access.rights import Right
from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.registry import UnknownTask, registry
from tasks.models import Emergency, Run, Task
from tasks.parameters import money_in
from tasks.secrets import storage

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from backoffice.models import User

REVIEWERS: Final = 2
REVIEWED_WITHIN: Final = timedelta(hours=24)
COUNTED_OVER: Final = timedelta(hours=24)
NOT_HERE: Final = "Emergency runs are not allowed for this task."


def break_glass_of(task: Task) -> BreakGlass | None:
    """What its code says of emergencies. None also where its code is gone."""
    try:
        return registry.get(task.slug).break_glass
    except UnknownTask:
        return None


def emergency_of(run: Run) -> Emergency | None:
    """That it was run in an emergency, with what became of the review."""
    if run.approval is None or run.approval.status != ApprovalRequest.Status.WITHDRAWN:
        return None
    return Emergency.objects.select_related("by", "review").filter(run=run).first()


def is_offered(run: Run, person: "User") -> bool:
    """Whether the page speaks of it: to who asked, on call, while it waits."""
    return not _not_theirs(run, person, break_glass_of(run.task))


def why_not(run: Run, person: "User") -> str:
    """Why this person may not run this without approval. Empty when they may."""
    break_glass = break_glass_of(run.task)
    return _not_theirs(run, person, break_glass) or (
        _over_the_cap(run, break_glass) if break_glass else ""
    )


def why_not_without_approval(run: Run) -> str:
    """Why a run that nobody approved does not begin. Empty where it is an emergency.

    Asked again at the claim: a row alone, whoever wrote it, makes no emergency.
    """
    if not Emergency.objects.filter(run=run).exists():
        return "It was not approved."
    break_glass = break_glass_of(run.task)
    if break_glass is None:
        return NOT_HERE
    return "" if is_on_call(run.requested_by, break_glass.group) else _only(break_glass)


def _not_theirs(run: Run, person: "User", break_glass: BreakGlass | None) -> str:
    if break_glass is None:
        return NOT_HERE
    if run.requested_by_id != person.pk:
        return "Only the requester can run it in an emergency."
    if run.status != Run.Status.AWAITING_APPROVAL:
        return "This run is no longer awaiting approval."
    if not is_on_call(person, break_glass.group):
        return _only(break_glass)
    return ""


def _only(break_glass: BreakGlass) -> str:
    return f"Only active members of “{break_glass.group}” can run it in an emergency."


def _over_the_cap(run: Run, break_glass: BreakGlass) -> str:
    if lately(run.task) >= break_glass.per_day:
        return _too_often(break_glass.per_day)
    values = storage.typed_values(registry.get(run.task.slug), run).values()
    if break_glass.up_to is not None and any(
        m.amount > break_glass.up_to for m in money_in(values)
    ):
        return (
            f"Emergency runs are limited to amounts up to {break_glass.up_to:,}. Wait for approval."
        )
    return ""


def is_on_call(person: "User", group: str) -> bool:
    """Whether this person is a member now. Being a superuser does not make anybody one."""
    return Group.objects.filter(name=group, user=person, user__is_active=True).exists()


def lately(task: Task) -> int:
    """How many emergencies of this task there were in the last 24 hours."""
    return Emergency.objects.filter(run__task=task, at__gt=Now() - COUNTED_OVER).count()


def _too_often(per_day: int) -> str:
    times = "once" if per_day == 1 else f"{per_day} times"
    return f"This task was run in an emergency {times} within 24 hours, which is the limit."


def review_stage(run: Run) -> StageSpec:
    """Two who review it afterwards: of those who would have approved it, and who may approve it."""
    groups, people, rights = reviewers_of_stages(run)
    held = holders(run.task, min([Right.APPROVE, *rights]))  # each right includes the lower ones
    return StageSpec("Review of an emergency run", REVIEWERS, groups, people, held=held)


def everybody_who_could_review(request: ApprovalRequest) -> "QuerySet[User]":
    """Everybody who was asked to approve it. One query."""
    return get_user_model().objects.filter(review_places__stage__request=request).distinct()
