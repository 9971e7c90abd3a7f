"""One request in plain words: who must agree, who has, who still may, and what happens next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils.text import get_text_list

from approvals.models import ApprovalRequest, Decision, FollowUp, Reviewer, Stage
from approvals.requests.inbox import status_of
from approvals.requests.outdated import why_outdated
from approvals.requests.policy import objection
from approvals.requests.proofs import fresh_proof, is_needed
from approvals.requests.quorum import in_order, still_reviewers
from approvals.requests.related import Related, related_to
from approvals.requests.review_state import ReviewState
from approvals.requests.rights import in_words
from approvals.requests.stuck import nobody_left, what_to_do
from approvals.requests.subject import Subject, subject_of
from audit.context import Door
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status
Verdict = Decision.Verdict

NAMED: Final = 10
ALWAYS: Final = "true"  # the condition of a rule for every run
NOBODY: Final = "Nobody: all reviewers have already decided or are no longer eligible."
EVERY_RUN: Final = "Every run needs approval"

DID: Final = {
    Verdict.APPROVE: ("approved", "good"),
    Verdict.REJECT: ("rejected", "bad"),
    Verdict.CHANGE: ("requested changes", "waiting"),
}

FOLLOWED_UP: Final[dict[str, str]] = {
    FollowUp.Kind.REMINDED: "Reviewers of “{stage}” were reminded",
    FollowUp.Kind.ESCALATED: "“{stage}” was escalated",
    FollowUp.Kind.NOBODY: "No reviewer was left for “{stage}”",
}

# `who` is the requester, and “You” to the requester.
ENDED: Final = {
    Status.APPROVED: "All approvals were given.",
    Status.REJECTED: "It will not be done. {who} can request it again.",
    Status.RETURNED: (
        "{who} can edit and resubmit this request. It becomes a new request, which needs all of its "
        "approvals again."
    ),
    Status.WITHDRAWN: "Withdrawn before it was decided. Nothing was done.",
    Status.EXPIRED: "Nobody decided in time. Nothing was done. {who} can request it again.",
    Status.STALE: "Something changed after approval, so nothing was done. {who} can request it again.",
}


@dataclass(frozen=True)
class Answer:
    """One person's decision, for a page."""

    decision: Decision
    door: str

    @property
    def approves(self) -> bool:
        return self.decision.verdict == Verdict.APPROVE

    @property
    def did(self) -> str:
        return DID[Verdict(self.decision.verdict)][0]

    @property
    def who(self) -> str:
        return in_place_of(self.decision.decided_by, self.decision.on_behalf_of)


@dataclass(frozen=True)
class Step:
    """One line of what has happened so far."""

    at: datetime
    what: str
    why: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Escalation:
    """From when on who else may decide a stage. `helps` is whether there is anybody else."""

    at: datetime
    to: str
    is_over: bool
    helps: bool


@dataclass(frozen=True)
class StageInWords:
    name: str
    of_a_rule: bool
    rule: str
    picked: bool
    agreed: int
    needed: int
    state: str
    may_decide: str
    escalation: Escalation | None


@dataclass(frozen=True)
class Explained:
    """What the page of one request says to one person."""

    request: ApprovalRequest
    status: str
    badge: str
    waits: bool
    stages: Sequence[StageInWords]
    answers: Sequence[Answer]
    so_far: Sequence[Step]
    next: str
    objection: Refusal | None
    in_place_of: "User | None"
    may_withdraw: bool
    outdated: str
    stuck: str
    needs_proof: bool
    related: Sequence[Related]
    subject: Subject


def explain(
    request: ApprovalRequest, person: "User", *, now: datetime, session: str = ""
) -> Explained:
    """Read everything about a request that its page says to this person, in this session."""
    stages = list(request.stages.prefetch_related("groups", "people", "escalate_to"))
    decisions = list(request.decisions.select_related("decided_by", "on_behalf_of"))
    review = ReviewState(request, stages, decisions)
    waits = request.status == Status.PENDING and request.expires_at > now
    eligible = list(in_order(still_reviewers(request.pk)))
    answers = [Answer(d, dict(Door.choices).get(d.door, d.door)) for d in decisions]
    escalations = _escalations(stages, now)
    status, badge = status_of(request, now=now)
    return Explained(
        request=request,
        status=status,
        badge=badge,
        waits=waits,
        stages=[_stage(s, review, eligible, escalations.get(s.pk), waits=waits) for s in stages],
        answers=answers,
        so_far=_so_far(request, answers),
        next=_next(review) if waits else _ended(request, person),
        objection=objection(review, person, now=now),
        in_place_of=_in_whose_place(review, person, eligible) if waits else None,
        may_withdraw=waits and request.requested_by_id == person.pk,
        outdated=why_outdated([request]).get(request.pk, "") if waits else "",
        stuck=_stuck(request, person) if waits else "",
        needs_proof=_needs_proof(review, person, session),
        related=related_to(request, person) if waits else [],
        subject=subject_of(request, stages, person),
    )


def _stuck(request: ApprovalRequest, person: "User") -> str:
    if not (why := nobody_left(request)):
        return ""
    mine = request.requested_by_id == person.pk
    return f"{why} {what_to_do(request) if mine else f'{request.requested_by} is notified.'}"


def _in_whose_place(
    review: ReviewState, person: "User", eligible: Sequence[Reviewer]
) -> "User | None":
    """For whom this person would decide, unless it is for themselves."""
    if (stage := review.open_stage()) is None:
        return None
    free = review.available(stage, eligible)
    return next((place.on_behalf_of for place in free if place.person_id == person.pk), None)


def _needs_proof(review: ReviewState, person: "User", session: str) -> bool:
    stage = review.open_stage()
    return stage is not None and is_needed(stage) and fresh_proof(person, session) is None


def _ended(request: ApprovalRequest, person: "User") -> str:
    status = Status(request.status)
    who = "You" if request.requested_by_id == person.pk else request.requested_by
    return ENDED[Status.EXPIRED if status == Status.PENDING else status].format(who=who)


def _so_far(request: ApprovalRequest, answers: Sequence[Answer]) -> list[Step]:
    """What has happened since it was asked, oldest first."""
    follow_ups = FollowUp.objects.filter(stage__request=request).select_related("stage")
    steps = [*map(_answered, answers), *map(_followed_up, follow_ups)]
    return sorted(steps, key=lambda step: step.at)


def _answered(answer: Answer) -> Step:
    decision, tone = answer.decision, DID[Verdict(answer.decision.verdict)][1]
    what = f"{answer.who} {answer.did} via {answer.door}"
    return Step(decision.decided_at, what, decision.reason, tone)


def _followed_up(done: FollowUp) -> Step:
    return Step(done.recorded_at, FOLLOWED_UP[done.kind].format(stage=done.stage))


def _escalations(stages: Sequence[Stage], now: datetime) -> dict[int, Escalation]:
    """By the key of their stage, those of the stages that escalate. One query."""
    later = Reviewer.objects.filter(stage__in=stages, on_behalf_of=None, person__is_active=True)
    help_there = set(later.exclude(not_before=None).values_list("stage", flat=True))
    found = {}
    for stage in stages:
        if stage.escalate_after is not None:
            at = stage.request.opened_at + stage.escalate_after
            to = get_text_list([str(group) for group in stage.escalate_to.all()], "or")
            found[stage.pk] = Escalation(at, to, at <= now, stage.pk in help_there)
    return found


def _stage(
    stage: Stage,
    review: ReviewState,
    eligible: Sequence[Reviewer],
    escalation: Escalation | None,
    *,
    waits: bool,
) -> StageInWords:
    agreed = review.approvals(stage)
    return StageInWords(
        name=stage.name,
        of_a_rule=bool(stage.condition.strip()),
        rule=_rule(stage),
        picked=stage.picked,
        agreed=agreed,
        needed=stage.needed,
        state=_state(stage, review, agreed),
        may_decide=_may_decide(stage, review, eligible) if waits else "",
        escalation=escalation if waits and agreed < stage.needed else None,
    )


def _rule(stage: Stage) -> str:
    who = get_text_list(reviewers_named(stage), "or") or "the people named below"
    approvals = f"{stage.needed} approval{'' if stage.needed == 1 else 's'} required"
    return ". ".join(filter(None, [approvals, reason_of(stage), f"Reviewers: {who}"]))


def reviewers_named(stage: Stage) -> list[str]:
    """Whom a stage asks: its groups, the people it names, and who holds its right."""
    groups = [group.name for group in stage.groups.all()]
    return [*groups, *map(str, stage.people.all()), *in_words(stage.right_held)]


def reason_of(stage: Stage) -> str:
    """Why a stage is needed, in words. Without them by the name of its rule, and never as code."""
    if stage.because or not (condition := stage.condition.strip()):
        return stage.because
    return EVERY_RUN if condition.lower() == ALWAYS else f"“{stage.name}” applies"


def reasons_of(request: ApprovalRequest) -> list[str]:
    """Why a request needs approval, each reason once, in the order of its stages."""
    return list(filter(None, dict.fromkeys(map(reason_of, request.stages.all()))))


def _state(stage: Stage, review: ReviewState, agreed: int) -> str:
    if agreed >= stage.needed:
        return "done"
    return "open" if stage == review.open_stage() else "later"


def _may_decide(stage: Stage, review: ReviewState, eligible: Sequence[Reviewer]) -> str:
    """The names of those who may still decide here, up to ten."""
    if review.approvals(stage) >= stage.needed:
        return ""
    free = review.available(stage, eligible)
    if not free:
        return NOBODY
    names = [in_place_of(place.person, place.on_behalf_of) for place in free[:NAMED]]
    if more := len(free) - NAMED:
        return f"{', '.join(names)} and {more} more" if more > 0 else get_text_list(names, "or")
    return get_text_list(names, "or")


def in_place_of(person: "User", away: "User | None") -> str:
    """“Bob Doyle”, or “Bob Doyle (on behalf of Alice Smith)”."""
    return f"{person} (on behalf of {away})" if away else str(person)


def _people(missing: int, *, more: bool) -> str:
    and_more = "more " if more else ""
    one = f"one {and_more}reviewer approves"
    return one if missing == 1 else f"{missing} {and_more}reviewers approve"


def _next(review: ReviewState) -> str:
    stage = review.open_stage()
    if stage is None:
        return "All approvals are given."
    agreed = review.approvals(stage)
    people = _people(stage.needed - agreed, more=agreed > 0)
    later = [s for s in review.stages if s.position > stage.position]
    is_run = review.request.revisable
    if later:
        then = f"When {people}, “{later[0].name}” is next."
    else:
        then = f"{'Runs' if is_run else 'Takes effect'} as soon as {people}."
    ends = "A rejection or change request closes it." if is_run else "A rejection closes it."
    return f"{then} {ends}"
