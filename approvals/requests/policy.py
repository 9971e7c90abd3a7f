"""Who may decide what, as questions that change nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Coalesce, Now

from approvals.models import ApprovalRequest, Decision, Reviewer, SlackMode, Stage
from approvals.requests import rights
from approvals.requests.quorum import reviewer_for, still_reviewers
from approvals.requests.review_state import ReviewState
from approvals.requests.rights import Held
from audit.context import Door
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status
Verdict = Decision.Verdict

WAITS_FOR = timedelta(days=3)  # unless it is said otherwise


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
    """What a stage asks for: so many of these groups' members, these people, and holders of a right.

    Those in `without` are never asked, whatever group they are in; the requester never is. With
    `only`, nobody else of them is asked either: those whom the requester picked.
    `may_serve_twice` lets those decide here who have decided another stage of the request. The
    times are counted from the request; members of `escalate_to` may decide after `escalate_after`,
    too, and do not count before. With `delegates`, who stands in for somebody who is away may decide
    in their place. `held` is a right whose holders are asked, for as long as they hold it. `because` says in words why the stage is needed, with the numbers of the case.
    """

    name: str
    needed: int
    groups: Sequence[Group] = ()
    people: Sequence["User"] = ()
    condition: str = ""
    because: str = ""
    without: Sequence["User"] = ()
    only: Sequence["User"] = ()
    may_serve_twice: bool = False
    expires_after: timedelta | None = None
    remind_after: timedelta | None = None
    escalate_after: timedelta | None = None
    escalate_to: Sequence[Group] = ()
    fresh_proof: bool = False
    delegates: bool = False
    held: Held | None = None

    def everybody(self, *, without: Collection["User"] = ()) -> "models.QuerySet[User]":
        """All whom it asks, as things stand now, without these."""
        return reviewers_for(self.all_groups, self.all_people, without={*without, *self.without})

    @property
    def all_groups(self) -> Sequence[Group]:
        """Those it names, and those that hold its right."""
        return [*self.groups, *(self.held.groups if self.held else ())]

    @property
    def all_people(self) -> Sequence["User"]:
        """The same of people."""
        return [*self.people, *(self.held.people if self.held else ())]

    @property
    def in_words(self) -> list[str]:
        """Whom it asks, for people."""
        right = rights.in_words(self.held.right) if self.held else []
        return [*map(str, self.groups), *map(str, self.people), *right]


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


def objection(
    review: ReviewState, person: "User", *, now: datetime, seal: str | None = None
) -> Refusal | None:
    """Why this person may not decide this request now; None if they may.

    `now` is the database's time. `seal` is that of what the person was shown; None asks in
    general, for a page's buttons.
    """
    try:
        reviewer_to_decide(review, person, now=now)
        if seal is not None:
            check_shown(review.request, seal)
    except Refusal as refusal:
        return refusal
    return None


def reviewer_to_decide(review: ReviewState, person: "User", *, now: datetime) -> Reviewer:
    """The place from which this person may decide this request now. Raises a `Refusal`: why not."""
    request = review.request
    if request.requested_by_id == person.pk:
        raise OwnRequest("You requested this, so somebody else has to decide it.")
    if request.status != Status.PENDING:
        raise already_closed(request)
    if request.expires_at <= now:
        raise NotWaiting("This request has expired. It can be requested again.")
    place = reviewer_for(review, person)
    if place is None:
        raise _no_place(review, person)
    return place


def check_shown(request: ApprovalRequest, seal: str) -> None:
    """Raise `SomethingChanged` unless this is the seal of what is asked. None is another one."""
    if seal != request.seal:
        raise SomethingChanged(
            "The request has changed since you opened it. Open it again and review it."
        )


def already_closed(request: ApprovalRequest) -> NotWaiting:
    state = request.get_status_display()
    return NotWaiting(f"This request is already closed. Its status is “{state}”.")


def objection_to_door(review: ReviewState, door: str) -> Refusal | None:
    """Why nobody may decide this request at this door; None where they may.

    Slack knows no session, so that nobody can prove anything there.
    """
    if door != Door.SLACK:
        return None
    stage = review.open_stage()
    if review.request.slack_mode == SlackMode.DECIDE and not (stage and stage.fresh_proof):
        return None
    return NotAtThisDoor("This request cannot be decided in Slack. Open it in the browser.")


def _no_place(review: ReviewState, person: "User") -> Refusal:
    if any(decision.decided_by_id == person.pk for decision in review.decisions):
        return AlreadyDecided("You have already decided this request.")
    if still_reviewers(review.request.pk).filter(stage=review.open_stage(), person=person).exists():
        return AlreadyDecided(
            "One of you is out of office, and the other has already decided for both of you."
        )
    return NotEligible("You are not an eligible reviewer of this request.")


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
    mine = unused(still_reviewers(models.OuterRef("pk"))).filter(
        person=person,
        stage=models.Subquery(open_stage.order_by("position").values("pk")[:1]),
    )
    return ApprovalRequest.objects.filter(
        models.Exists(mine),
        status=Status.PENDING,
        expires_at__gt=Now(),
    ).exclude(requested_by=person)


def unused(places: models.QuerySet[Reviewer]) -> models.QuerySet[Reviewer]:
    """Those of the places that nothing which was decided so far keeps from being used."""
    taken = _deciding(models.OuterRef("person")) | _deciding(models.OuterRef("on_behalf_of"))
    decided = Decision.objects.filter(taken, request=models.OuterRef("stage__request"))
    return places.filter(
        ~models.Exists(decided.filter(stage=models.OuterRef("stage"))),
        models.Q(stage__may_serve_twice=True) | ~models.Exists(decided),
        ~models.Q(person=models.F("stage__request__requested_by")),
    )


def _deciding(person: models.OuterRef) -> models.Q:
    return models.Q(decided_by=person) | models.Q(on_behalf_of=person)


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
