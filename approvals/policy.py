"""Who may decide what, as questions that change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Coalesce, Now

from approvals.models import ApprovalRequest, Decision, Reviewer, Stage
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status
Verdict = Decision.Verdict


class OwnRequest(Refusal):
    """A person tried to decide what that same person asked for."""


class NotEligible(Refusal):
    """The person is not, or no longer, among those who may decide."""


class AlreadyDecided(Refusal):
    """The person has decided this request before."""


class NotWaiting(Refusal):
    """The request waits for nobody any more."""


class SomethingChanged(Refusal):
    """What the person was shown is not what is asked."""


class ReasonMissing(Refusal):
    """A rejection came without a reason."""


@dataclass(frozen=True)
class StageSpec:
    """What a stage asks for: so many of these groups' members and these people.

    Those in `without` are never asked, whatever group they are in; the requester never is.
    """

    name: str
    needed: int
    groups: Sequence[Group] = ()
    people: Sequence["User"] = ()
    condition: str = ""
    without: Sequence["User"] = ()


@dataclass(frozen=True)
class Ballot:
    """A request with its stages and decisions, read once."""

    request: ApprovalRequest
    stages: Sequence[Stage]
    decisions: Sequence[Decision] = field(default=())

    @classmethod
    def of(cls, request: ApprovalRequest) -> "Ballot":
        """Read the stages and decisions of a request: two queries."""
        return cls(request, list(request.stages.all()), list(request.decisions.all()))

    def approvals(self, stage: Stage) -> int:
        """How many people have approved in this stage."""
        return sum(
            decision.stage_id == stage.pk and decision.verdict == Verdict.APPROVE
            for decision in self.decisions
        )

    def open_stage(self) -> Stage | None:
        """The first stage that has not got what it needs."""
        return next((s for s in self.stages if self.approvals(s) < s.needed), None)

    def outcome(self) -> ApprovalRequest.Status:
        """What the decisions made so far add up to."""
        if any(decision.verdict == Verdict.REJECT for decision in self.decisions):
            return Status.REJECTED
        return Status.PENDING if self.open_stage() or not self.stages else Status.APPROVED

    def decision_of(self, person: "User") -> Decision | None:
        """What this person has decided, if anything."""
        return next((d for d in self.decisions if d.decided_by_id == person.pk), None)


def reviewers_for(
    groups: Sequence[Group], people: Sequence["User"], *, without: Sequence["User"] = ()
) -> "models.QuerySet[User]":
    """Active members of the groups and active people named, without those who may not be asked."""
    return (
        get_user_model()
        .objects.filter(models.Q(groups__in=groups) | models.Q(pk__in=[p.pk for p in people]))
        .filter(is_active=True)
        .exclude(pk__in=[person.pk for person in without])
        .distinct()
    )


def still_reviewers(request_id: UUID | models.OuterRef) -> models.QuerySet[Reviewer]:
    """Reviewers of a request who are active and still in a group or named: fresh from the rows."""
    named = Stage.people.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), user_id=models.OuterRef("person_id")
    )
    member = Stage.groups.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), group__user=models.OuterRef("person_id")
    )
    return Reviewer.objects.filter(
        models.Exists(named) | models.Exists(member),
        stage__request_id=request_id,
        person__is_active=True,
    )


def quorum_holds(request: ApprovalRequest) -> bool:
    """Whether enough of those who approved are still active and eligible. One query."""
    still = still_reviewers(request.pk).filter(
        stage_id=models.OuterRef("stage_id"), person_id=models.OuterRef("decided_by_id")
    )
    counted = models.Count(
        "decisions__decided_by",
        distinct=True,
        filter=models.Q(
            decisions__verdict=Verdict.APPROVE,
            decisions__in=Decision.objects.filter(models.Exists(still), request=request),
        ),
    )
    stages = list(request.stages.annotate(agreed=counted).values_list("agreed", "needed"))
    return bool(stages) and all(agreed >= needed for agreed, needed in stages)


def objection(
    ballot: Ballot, person: "User", *, now: datetime, seal: str | None = None
) -> Refusal | None:
    """Why this person may not decide this request now; None if they may.

    `now` is the database's time. `seal` is that of what the person was shown; None asks in
    general, for a page's buttons.
    """
    request = ballot.request
    if request.requested_by_id == person.pk:
        return OwnRequest("You asked for this yourself: somebody else has to decide it.")
    if request.status != Status.PENDING:
        state = request.get_status_display().lower()
        return NotWaiting(f"This request is not waiting any more. It is {state}.")
    if request.expires_at <= now:
        return NotWaiting("This request has expired. It can be asked for again.")
    if ballot.decision_of(person):
        return AlreadyDecided("You have decided this request already.")
    if seal is not None and seal != request.seal:
        return SomethingChanged(
            "What you were shown is not what is asked now. Open the request again and look."
        )
    return _not_eligible(ballot, person)


def _not_eligible(ballot: Ballot, person: "User") -> Refusal | None:
    stage = ballot.open_stage()
    if stage and still_reviewers(ballot.request.pk).filter(stage=stage, person=person).exists():
        return None
    return NotEligible("You are not among the people who may decide this request now.")


def to_decide(person: "User") -> models.QuerySet[ApprovalRequest]:
    """Requests that wait for this very person: the inbox and its count."""
    agreed = (
        Decision.objects.filter(stage=models.OuterRef("pk"), verdict=Verdict.APPROVE)
        .order_by()
        .values("stage")
        .annotate(n=models.Count("pk"))
        .values("n")
    )
    open_stages = Stage.objects.alias(agreed=Coalesce(models.Subquery(agreed), 0)).filter(
        request=models.OuterRef("stage__request_id"), needed__gt=models.F("agreed")
    )
    mine = still_reviewers(models.OuterRef("pk")).filter(
        person=person,
        stage=models.Subquery(open_stages.order_by("position").values("pk")[:1]),
    )
    return ApprovalRequest.objects.filter(
        models.Exists(mine),
        ~models.Exists(Decision.objects.filter(request=models.OuterRef("pk"), decided_by=person)),
        status=Status.PENDING,
        expires_at__gt=Now(),
    ).exclude(requested_by=person)


def visible_to(person: "User") -> models.QuerySet[ApprovalRequest]:
    """Requests this person asked for, could decide, or may read as an auditor."""
    if person.has_perm("audit.view_everything"):
        return ApprovalRequest.objects.all()
    asked_to = Reviewer.objects.filter(stage__request=models.OuterRef("pk"), person=person)
    return ApprovalRequest.objects.filter(models.Q(requested_by=person) | models.Exists(asked_to))
