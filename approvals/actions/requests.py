"""The life of a request, from the question to its end; and who is in which group."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.functions import Now
from django.template.defaultfilters import pluralize

from approvals.models import ApprovalRequest, Decision, Proof, Reviewer, SlackMode, Stage
from approvals.notifications import outbox
from approvals.notifications.notify import notify, notify_reviewers
from approvals.requests import policy, proofs, quorum
from approvals.requests.outdated import check_not_outdated
from approvals.requests.policy import StageSpec
from approvals.requests.review_state import ReviewState
from approvals.signals import request_decided
from audit.database.clock import database_now
from audit.seals import Json
from audit.texts.quoting import quoted
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status
Verdict = Decision.Verdict

REASON_MISSING: Final[dict[str, str]] = {
    Verdict.REJECT: "Enter a reason for rejecting it. The requester reads it.",
    Verdict.CHANGE: "Enter what has to change. The requester reads it.",
}


class NobodyCanDecide(Refusal):
    """A stage has fewer people than it needs."""


def open_request(  # noqa: PLR0913 - a question has this many parts
    *,
    title: str,
    shown: Json,
    seal: str,
    requested_by: "User",
    door: str,
    stages: Sequence[StageSpec],
    reason: str = "",
    waits_for: timedelta | None = None,
    revisable: bool = False,
    slack_mode: SlackMode = SlackMode.LINK,
) -> ApprovalRequest:
    """Put a sealed question to people.

    `revisable` says that who asks can change it and ask anew, `slack_mode` what Slack may show and
    decide of it. It expires after `waits_for`, or earlier where a stage says so; without either,
    after three days. Raises `NobodyCanDecide` when a stage could never get the decisions it needs.
    """
    if not stages:
        raise ValueError("A request needs at least one stage. Without one it has no reviewers.")
    with transition(by=requested_by, door=door, reason=reason):
        request = ApprovalRequest.objects.create(
            title=title,
            shown=shown,
            seal=seal,
            requested_by=requested_by,
            reason=reason,
            revisable=revisable,
            slack_mode=slack_mode,
            expires_at=database_now() + policy.time_to_decide(stages, waits_for),
        )
        asked = [
            _open_stage(request, position, spec) for position, spec in enumerate(stages, start=1)
        ]
        needed, people = policy.people_wanted(stages, asked)
        _must_suffice("All stages together", needed, len(people))
        notify_reviewers(request)
    return request


def _must_suffice(name: str, needed: int, people: int) -> None:
    if people < needed:
        raise NobodyCanDecide(
            f"“{name}” needs {needed} approval{pluralize(needed)}, but only {people} other "
            f"{pluralize(people, 'person,people')} can approve. Contact an administrator to add "
            "reviewers."
        )


def _open_stage(request: ApprovalRequest, position: int, spec: StageSpec) -> "set[User]":
    without = {request.requested_by, *spec.without}
    people = set(spec.everybody(without=without))
    if spec.only:
        people &= set(spec.only)
    _must_suffice(spec.name, spec.needed, len(people))
    stage = Stage.objects.create(
        request=request,
        position=position,
        name=spec.name,
        condition=spec.condition,
        because=spec.because,
        needed=spec.needed,
        right_held=spec.held.right if spec.held else "",
        right_on=spec.held.on if spec.held else None,
        may_serve_twice=spec.may_serve_twice,
        remind_after=spec.remind_after,
        escalate_after=spec.escalate_after,
        fresh_proof=spec.fresh_proof,
        picked=bool(spec.only),
    )
    stage.groups.set(spec.groups)
    stage.people.set(spec.people)
    stage.escalate_to.set(spec.escalate_to)
    _add_reviewers(stage, people, not_before=None)
    if spec.delegates:
        _add_delegates(stage, people, without=without | people)
    if spec.escalate_after is not None:
        later = policy.reviewers_for(spec.escalate_to, (), without=without | people)
        _add_reviewers(stage, later, not_before=request.opened_at + spec.escalate_after)
    return people


def _add_delegates(stage: Stage, people: "set[User]", *, without: "set[User]") -> None:
    """Who stands in for these, each in one place. Who has a place of their own needs no other."""
    away = quorum.absences_of(people, until=stage.request.expires_at).exclude(delegate__in=without)
    pairs = {(absence.delegate_id, absence.person_id): absence for absence in reversed(away)}
    Reviewer.objects.bulk_create(
        Reviewer(
            stage=stage,
            person=absence.delegate,
            on_behalf_of_id=absence.person_id,
            not_before=absence.starts_at,
        )
        for absence in pairs.values()
    )


def _add_reviewers(stage: Stage, people: "Iterable[User]", *, not_before: datetime | None) -> None:
    Reviewer.objects.bulk_create(
        Reviewer(stage=stage, person=person, not_before=not_before) for person in people
    )


def decide(  # noqa: PLR0913 - who answers what, with which answer, how and why
    request_id: UUID | str,
    *,
    decided_by: "User",
    verdict: Decision.Verdict | str,
    seal: str,
    door: str,
    reason: str = "",
    session: str = "",
) -> ApprovalRequest:
    """Record one person's decision on exactly what they were shown.

    Raises a `Refusal` (see `approvals.requests.policy`) when this person may not decide this request, when
    it is not waiting, when the seal is another, when what would run has changed and they approve, or when no reason is given for a rejection or for the
    changes that are asked for. `session` is that of a door which has one: in it the person may have
    proved who they are, as some stages ask (`ProofMissing`).
    """
    subject = ApprovalRequest.objects.filter(pk=request_id).first()
    with transition(by=decided_by, door=door, subject=subject, reason=reason):
        # The row lock comes first: two decisions at the same instant are taken one after another,
        # so exactly one of them sees itself complete the quorum.
        request = _locked(request_id)
        person = _fresh(decided_by)
        review = ReviewState.of(request)
        place = policy.reviewer_to_decide(review, person, now=database_now())
        policy.check_shown(request, seal)
        if refusal := policy.objection_to_door(review, door):
            raise refusal
        if verdict in REASON_MISSING and not reason.strip():
            raise policy.ReasonMissing(REASON_MISSING[verdict])
        if verdict == Verdict.CHANGE and not request.revisable:
            raise policy.NotRevisable(
                "You cannot request changes to this request. Approve or reject it."
            )
        if verdict == Verdict.APPROVE:
            check_not_outdated(request)
        proof = _proof(place.stage, person, verdict, session)
        decision = Decision.objects.create(
            request=request,
            stage=place.stage,
            requested_by_id=request.requested_by_id,
            decided_by=person,
            on_behalf_of_id=place.on_behalf_of_id,
            verdict=Verdict(verdict),
            seal=seal,
            door=door,
            reason=reason.strip(),
            proof=proof,
        )
        _close(replace(review, decisions=[*review.decisions, decision]))
    return request


def _proof(stage: Stage, person: "User", verdict: str, session: str) -> Proof | None:
    if not proofs.is_needed(stage, verdict):
        return None
    proof = proofs.fresh_proof(person, session)
    if proof is None:
        raise proofs.ProofMissing("Confirm your password to approve this request.")
    return proof


def _locked(request_id: UUID | str) -> ApprovalRequest:
    return ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)


def _fresh(person: "User") -> "User":
    """The person's row as it is now, not as it was when the session began."""
    fresh = get_user_model().objects.filter(pk=person.pk, is_active=True).first()
    if fresh is None:
        raise policy.NotEligible("Your account is deactivated. Contact an administrator.")
    return fresh


def _close(review: ReviewState) -> None:
    outcome = review.outcome()
    if outcome != Status.PENDING:
        _set_status(review.request, outcome)
    else:
        notify_reviewers(review.request)
        outbox.refresh(review.request)


def _set_status(request: ApprovalRequest, status: ApprovalRequest.Status) -> None:
    request.status = status
    request.closed_at = database_now()
    request.save(update_fields=["status", "closed_at"])
    notify(
        [request.requested_by],
        event="request_decided",
        subject=request,
        text=f"{status.label}: {quoted(request.title)}",
    )
    if status in (Status.WITHDRAWN, Status.EXPIRED):
        _notify_those_asked(request)
    outbox.refresh(request)
    # Not send_robust: what hears of the decision fails or succeeds with it.
    request_decided.send(sender=ApprovalRequest, request=request)


def _notify_those_asked(request: ApprovalRequest) -> None:
    """Tell those who might have decided now that nobody waits for them any more."""
    review = ReviewState.of(request)
    if stage := review.open_stage():
        people = quorum.waited_for(review, stage)
        text = f"{request.get_status_display()}: {quoted(request.title)}"
        notify(people, event="request_closed", subject=request, text=text)


def withdraw(request_id: UUID | str, *, by: "User", door: str, reason: str = "") -> ApprovalRequest:
    """Take back one's own request while it waits.

    Raises a `Refusal` when it is somebody else's or does not wait any more.
    """
    subject = ApprovalRequest.objects.filter(pk=request_id).first()
    with transition(by=by, door=door, subject=subject, reason=reason):
        request = _locked(request_id)
        if request.requested_by_id != by.pk:
            raise policy.NotEligible("Only the requester can withdraw this request.")
        _must_wait(request)
        _set_status(request, Status.WITHDRAWN)
    return request


def close_for_requester(
    request_id: UUID | str, *, by: "User", door: str, reason: str
) -> ApprovalRequest:
    """Withdraw a pending request of somebody else. Who may is said by whoever calls this.

    Raises a `Refusal` when it does not wait any more.
    """
    subject = ApprovalRequest.objects.filter(pk=request_id).first()
    with transition(by=by, door=door, subject=subject, reason=reason):
        request = _locked(request_id)
        _must_wait(request)
        _set_status(request, Status.WITHDRAWN)
    return request


def mark_stale(request_id: UUID | str, *, by: "User | None", door: str, reason: str) -> None:
    """Say that what was approved is not what would run now. An approved request only."""
    with transition(by=by, door=door, reason=reason):
        request = _locked(request_id)
        request.status = Status.STALE
        request.save(update_fields=["status"])


def expire_due(*, door: str) -> int:
    """Close requests whose time is over. Returns how many."""
    due = ApprovalRequest.objects.filter(status=Status.PENDING, expires_at__lte=Now())
    return sum(_expire(pk, door) for pk in due.values_list("pk", flat=True))


def _expire(request_id: UUID, door: str) -> bool:
    with transition(by=None, door=door, reason="Nobody decided in time"):
        # Looked at again under the lock: it may have been decided a moment ago.
        request = (
            ApprovalRequest.objects.select_for_update(of=("self",))
            .filter(pk=request_id, status=Status.PENDING, expires_at__lte=Now())
            .first()
        )
        if request:
            _set_status(request, Status.EXPIRED)
    return request is not None


def _must_wait(request: ApprovalRequest) -> None:
    if request.status != Status.PENDING:
        raise policy.already_closed(request)


def add_member(*, user: "User", group: Group, by: "User | None", door: str, reason: str) -> None:
    """Put a person into a group, where they may decide what the group decides from then on."""
    with transition(by=by, door=door, subject=group, reason=reason):
        _memberships().get_or_create(user=user, group=group)


def remove_member(*, user: "User", group: Group, by: "User | None", door: str, reason: str) -> None:
    """Take a person out of a group: their open approvals stop counting at once."""
    with transition(by=by, door=door, subject=group, reason=reason):
        for membership in _memberships().filter(user=user, group=group):
            membership.delete()


def _memberships() -> Any:  # noqa: ANN401 - the model stands above us: backoffice.Membership
    return get_user_model().groups.through.objects  # type: ignore[attr-defined]
