"""Whose places there are in a stage now: fresh from the rows, as questions that change nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import models
from django.db.models.functions import Coalesce, Now

from approvals.models import Absence, ApprovalRequest, Decision, Reviewer, Stage
from approvals.requests import rights
from approvals.requests.review_state import ReviewState, Verdict
from audit.database.statements import Given, Statement

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models.expressions import Combinable

    from backoffice.models import User


def still_reviewers(
    request_id: "UUID | models.OuterRef | Given", *, at: "Combinable | None" = None
) -> models.QuerySet[Reviewer]:
    """Reviewers of a request who may decide by now: fresh from the rows.

    They are active, and still named, in a group or holders of the stage's right; those to whom it is escalated are in a group that
    it is escalated to, and their time has come. Of those who stand in for somebody, who is away has
    to be all that, and their absence holds `at` a time, which is now unless another is given.
    """
    return _in_force(models.Q(stage__request_id=request_id), at=at or Now())


def reviewers_by_request(
    person: "User", requests: "Iterable[ApprovalRequest]"
) -> "dict[UUID, list[Reviewer]]":
    """By the key of their request, the places this person has in these now. One query."""
    found: dict[UUID, list[Reviewer]] = {}
    wanted = models.Q(stage__request__in=requests, person=person)
    for place in in_order(_in_force(wanted, at=Now())):
        found.setdefault(place.stage.request_id, []).append(place)
    return found


def _in_force(wanted: models.Q, *, at: "Combinable") -> models.QuerySet[Reviewer]:
    whose_place = models.OuterRef("whose_place")
    named = Stage.people.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), user_id=whose_place
    )
    member = Stage.groups.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), group__user=whose_place
    )
    asked_later = Stage.escalate_to.through.objects.filter(
        stage_id=models.OuterRef("stage_id"), group__user=whose_place
    )
    named_or_member = models.Q(models.Exists(named) | models.Exists(member))
    meant = named_or_member | rights.held_in_stage(whose_place)
    own = models.Q(on_behalf_of=None)
    away = models.Exists(_absences_at(at))
    return Reviewer.objects.alias(whose_place=Coalesce("on_behalf_of", "person")).filter(
        (own & meant & models.Q(not_before=None))
        | (own & models.Q(models.Exists(asked_later), not_before__lte=Now()))
        | (meant & models.Q(away, on_behalf_of__is_active=True)),
        wanted,
        person__is_active=True,
    )


def _absences_at(at: "Combinable") -> models.QuerySet[Absence]:
    """Of a place, the absences for which somebody stands in there at that time."""
    return Absence.objects.filter(
        person=models.OuterRef("on_behalf_of"),
        delegate=models.OuterRef("person"),
        starts_at__lte=at,
        ends_at__gt=at,
        ended_at=None,
    )


def absences_of(people: "Iterable[User]", *, until: "datetime") -> models.QuerySet[Absence]:
    """When these people are away before that time, as far as it is known now."""
    known = Absence.objects.filter(ended_at=None, ends_at__gt=Now(), starts_at__lt=until)
    return known.filter(person__in=people, delegate__is_active=True).select_related("delegate")


def in_order(places: models.QuerySet[Reviewer]) -> models.QuerySet[Reviewer]:
    """With their people; of each person first their own place."""
    own_first = models.F("on_behalf_of").asc(nulls_first=True)
    return places.order_by("person", own_first).select_related("person", "on_behalf_of", "stage")


def available_reviewers(review: ReviewState, stage: Stage) -> list[Reviewer]:
    """Those who may decide the stage now, each once, rather in their own place. One query."""
    return review.available(
        stage, list(in_order(still_reviewers(review.request.pk).filter(stage=stage)))
    )


def reviewer_for(review: ReviewState, person: "User") -> Reviewer | None:
    """The place from which this person may decide now, in the stage that is open."""
    if (stage := review.open_stage()) is None:
        return None
    return next((p for p in available_reviewers(review, stage) if p.person_id == person.pk), None)


def waited_for(review: ReviewState, stage: Stage) -> "list[User]":
    """Those who may decide the stage now."""
    return [place.person for place in available_reviewers(review, stage)]


def quorum_holds(request: ApprovalRequest) -> bool:
    """Whether enough of those who approved are still active and eligible. One query.

    An absence that is over by its time does not take back what the deputy agreed to; one that was
    ended early does.
    """
    stages = _STILL_AGREED.rows(request=request.pk)
    return bool(stages) and all(agreed >= needed for agreed, needed in stages)


def _still_agreed(request: Given) -> models.QuerySet[Stage]:
    """The stages, and of each how many still count."""
    when = models.OuterRef(models.OuterRef("decided_at"))
    still = (
        still_reviewers(request, at=when)
        .alias(behalf=Coalesce("on_behalf_of", 0))
        .filter(
            stage_id=models.OuterRef("stage_id"),
            person_id=models.OuterRef("decided_by_id"),
            behalf=Coalesce(models.OuterRef("on_behalf_of_id"), 0),
        )
    )
    counted = models.Count(
        "decisions__decided_by",
        distinct=True,
        filter=models.Q(
            decisions__verdict=Verdict.APPROVE,
            decisions__in=Decision.objects.filter(models.Exists(still), request=request),
        ),
    )
    return Stage.objects.filter(request=request).annotate(agreed=counted)


_STILL_AGREED: Final = Statement(lambda: _still_agreed(Given("request")), "agreed", "needed")
