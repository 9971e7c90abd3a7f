"""Who may decide what, as questions that change nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Coalesce, Now

from approvals.models import ApprovalRequest, Decision, Reviewer, SlackMode, Stage
from audit.context import Door
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status
Verdict = Decision.Verdict

WAITS_FOR = timedelta(days=3)  # unless it is said otherwise
# One such answer closes a request, whatever the others have said.
ENDS_IT: Final[dict[str, ApprovalRequest.Status]] = {
    Verdict.REJECT: Status.REJECTED,
    Verdict.CHANGE: Status.RETURNED,
}


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


class NotAtThisDoor(Refusal):
    """Nobody decides such a request where this person tried to."""


class ReasonMissing(Refusal):
    """A rejection, or a wish for changes, came without a reason."""


class NotRevisable(Refusal):
    """Changes were asked for to what cannot be asked anew."""


@dataclass(frozen=True)
class StageSpec:
    """What a stage asks for: so many of these groups' members and these people.

    Those in `without` are never asked, whatever group they are in; the requester never is. With
    `only`, nobody else of them is asked either: those whom the requester picked.
    `may_serve_twice` lets those decide here who have decided another stage of the request. The
    times are counted from the request; members of `escalate_to` may decide after `escalate_after`,
    too, and do not count before.
    """

    name: str
    needed: int
    groups: Sequence[Group] = ()
    people: Sequence["User"] = ()
    condition: str = ""
    without: Sequence["User"] = ()
    only: Sequence["User"] = ()
    may_serve_twice: bool = False
    expires_after: timedelta | None = None
    remind_after: timedelta | None = None
    escalate_after: timedelta | None = None
    escalate_to: Sequence[Group] = ()
    fresh_proof: bool = False


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
        for decision in self.decisions:
            if decision.verdict in ENDS_IT:
                return ENDS_IT[decision.verdict]
        return Status.PENDING if self.open_stage() or not self.stages else Status.APPROVED

    def has_served(self, person: "User", stage: Stage) -> bool:
        """Whether what this person has decided so far keeps them from deciding this stage."""
        return any(
            decision.stage_id == stage.pk or not stage.may_serve_twice
            for decision in self.decisions
            if decision.decided_by_id == person.pk
        )


def reviewers_for(
    groups: Sequence[Group], people: Sequence["User"], *, without: Collection["User"] = ()
) -> "models.QuerySet[User]":
    """Active members of the groups and active people named, without those who may not be asked."""
    return (
        get_user_model()
        .objects.filter(models.Q(groups__in=groups) | models.Q(pk__in=[p.pk for p in people]))
        .filter(is_active=True)
        .exclude(pk__in=[person.pk for person in without])
        .distinct()
    )


def time_to_decide(stages: Sequence[StageSpec], waits_for: timedelta | None = None) -> timedelta:
    """How long people have: the shortest that is said, three days where nothing is."""
    if waits_for is None:
        return min(stage.expires_after or WAITS_FOR for stage in stages)
    return min([waits_for, *(stage.expires_after for stage in stages if stage.expires_after)])


class Served(Protocol):
    """What says how many must agree, and whether they may have decided another stage."""

    @property
    def needed(self) -> int: ...
    @property
    def may_serve_twice(self) -> bool: ...


def people_wanted(
    stages: Sequence[Served], could: "Sequence[set[User]]"
) -> "tuple[int, set[User]]":
    """How many different people all stages together need, and out of whom.

    `could` holds who could decide, stage by stage. One person decides once: the same few cannot
    serve every stage. Only a stage that may be served twice can do with those before it.
    """
    needed, people, before = 0, set["User"](), set["User"]()
    for stage, able in zip(stages, could, strict=True):
        again = len(able & before) if stage.may_serve_twice else 0
        if again < stage.needed:
            needed += stage.needed - again
            people |= able
        before |= able
    return needed, people


def still_reviewers(request_id: UUID | models.OuterRef) -> models.QuerySet[Reviewer]:
    """Reviewers of a request who may decide by now: fresh from the rows.

    They are active, and still named or in a group; those to whom it is escalated are in a group that
    it is escalated to, and their time has come.
    """
    named = Stage.people.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), user_id=models.OuterRef("person_id")
    )
    member = Stage.groups.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), group__user=models.OuterRef("person_id")
    )
    asked_later = Stage.escalate_to.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), group__user=models.OuterRef("person_id")
    )
    return Reviewer.objects.filter(
        models.Q(models.Exists(named) | models.Exists(member), not_before=None)
        | models.Q(models.Exists(asked_later), not_before__lte=Now()),
        stage__request_id=request_id,
        person__is_active=True,
    )


def waited_for(ballot: Ballot, stage: Stage) -> "list[User]":
    """Those who may decide the stage now."""
    asked = ballot.request
    places = still_reviewers(asked.pk).filter(stage=stage).select_related("person")
    people = (place.person for place in places.exclude(person_id=asked.requested_by_id))
    return [person for person in people if not ballot.has_served(person, stage)]


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
    stage = ballot.open_stage()
    if stage and ballot.has_served(person, stage):
        return AlreadyDecided("You have decided this request already.")
    if seal is not None and seal != request.seal:
        return SomethingChanged(
            "What you were shown is not what is asked now. Open the request again and look."
        )
    return _not_eligible(request, stage, person)


def objection_to_door(ballot: Ballot, door: str) -> Refusal | None:
    """Why nobody may decide this request at this door; None where they may.

    Slack knows no session, so that nobody can prove anything there.
    """
    if door != Door.SLACK:
        return None
    stage = ballot.open_stage()
    if ballot.request.slack_mode == SlackMode.DECIDE and not (stage and stage.fresh_proof):
        return None
    return NotAtThisDoor("This is not decided in Slack. Open its page to look and decide.")


def _not_eligible(request: ApprovalRequest, stage: Stage | None, person: "User") -> Refusal | None:
    if stage and still_reviewers(request.pk).filter(stage=stage, person=person).exists():
        return None
    return NotEligible("You are not among the people who may decide this request now.")


def _incomplete() -> models.QuerySet[Stage]:
    """Stages that have not got what they need."""
    agreed = (
        Decision.objects.filter(stage=models.OuterRef("pk"), verdict=Verdict.APPROVE)
        .order_by()
        .values("stage")
        .annotate(n=models.Count("pk"))
        .values("n")
    )
    return Stage.objects.alias(agreed=Coalesce(models.Subquery(agreed), 0)).filter(
        needed__gt=models.F("agreed")
    )


def open_stages() -> models.QuerySet[Stage]:
    """The stages that are asked now, one of each request that waits."""
    earlier = _incomplete().filter(
        request=models.OuterRef("request"), position__lt=models.OuterRef("position")
    )
    return _incomplete().filter(
        ~models.Exists(earlier), request__status=Status.PENDING, request__expires_at__gt=Now()
    )


def to_decide(person: "User") -> models.QuerySet[ApprovalRequest]:
    """Requests that wait for this very person: the inbox and its count."""
    open_stage = _incomplete().filter(request=models.OuterRef("stage__request_id"))
    decided = Decision.objects.filter(decided_by=person, request=models.OuterRef("stage__request"))
    mine = still_reviewers(models.OuterRef("pk")).filter(
        ~models.Exists(decided.filter(stage=models.OuterRef("stage"))),
        models.Q(stage__may_serve_twice=True) | ~models.Exists(decided),
        person=person,
        stage=models.Subquery(open_stage.order_by("position").values("pk")[:1]),
    )
    return ApprovalRequest.objects.filter(
        models.Exists(mine),
        status=Status.PENDING,
        expires_at__gt=Now(),
    ).exclude(requested_by=person)


def visible_to(person: "User") -> models.QuerySet[ApprovalRequest]:
    """Requests this person asked for, could decide, or may read as an auditor.

    What was decided before it was escalated stays unseen by those it would have been escalated to.
    """
    if person.has_perm("audit.view_everything"):
        return ApprovalRequest.objects.all()
    asked_to = Reviewer.objects.filter(
        models.Q(not_before=None)
        | models.Q(not_before__lte=Coalesce(models.OuterRef("closed_at"), Now())),
        stage__request=models.OuterRef("pk"),
        person=person,
    )
    return ApprovalRequest.objects.filter(models.Q(requested_by=person) | models.Exists(asked_to))
