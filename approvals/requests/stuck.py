"""Requests that nobody is left to decide: their reviewers are gone, and nobody joins later."""

from django.db import models
from django.db.models.functions import Now

from approvals.models import ApprovalRequest, Reviewer, Stage
from approvals.requests.policy import open_stages, unused
from approvals.requests.quorum import still_reviewers


def stuck_stages() -> models.QuerySet[Stage]:
    """The stages that are asked now, and that nobody can decide: now, or when they escalate."""
    free = unused(still_reviewers(models.OuterRef("request_id")))
    later = Reviewer.objects.filter(
        stage=models.OuterRef("pk"),
        on_behalf_of=None,
        not_before__gt=Now(),
        person__is_active=True,
    )
    return open_stages().filter(
        ~models.Exists(free.filter(stage=models.OuterRef("pk"))), ~models.Exists(later)
    )


def nobody_left(request: ApprovalRequest) -> str:
    """That nobody can decide a request any more, in a sentence. Empty while somebody can."""
    if stage := stuck_stages().filter(request=request).first():
        return f"No reviewer is left for “{stage}”: nobody can decide it any more."
    return ""


def what_to_do(request: ApprovalRequest) -> str:
    """What its requester can do about a request that nobody can decide."""
    if request.revisable:
        return "Edit and resubmit it with other reviewers, or withdraw it."
    return "Withdraw it, or contact an administrator."
