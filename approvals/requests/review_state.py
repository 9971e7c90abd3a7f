"""One request with its stages and the decisions made so far, and what they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from approvals.models import ApprovalRequest, Decision, Reviewer, Stage

Status = ApprovalRequest.Status
Verdict = Decision.Verdict

# One such answer closes a request, whatever the others have said.
ENDS_IT: Final[dict[str, ApprovalRequest.Status]] = {
    Verdict.REJECT: Status.REJECTED,
    Verdict.CHANGE: Status.RETURNED,
}


@dataclass(frozen=True)
class ReviewState:
    """A request with its stages and decisions, read once."""

    request: ApprovalRequest
    stages: Sequence[Stage]
    decisions: Sequence[Decision] = field(default=())

    @classmethod
    def of(cls, request: ApprovalRequest) -> "ReviewState":
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

    def available(self, stage: Stage, places: Sequence[Reviewer]) -> list[Reviewer]:
        """The places of this stage that can be used now: the first of each person, no requester's."""
        people: dict[int, Reviewer] = {}
        for place in places:
            if place.stage_id == stage.pk and not self.is_taken(place, stage):
                people.setdefault(place.person_id, place)
        people.pop(self.request.requested_by_id, None)
        return list(people.values())

    def is_taken(self, place: Reviewer, stage: Stage) -> bool:
        """Whether what was decided so far keeps this place of the stage from being used.

        Who is away and who stands in for them share one place, whoever of them decides first.
        """
        sharing = {place.person_id, place.on_behalf_of_id} - {None}
        return any(
            decision.stage_id == stage.pk or not stage.may_serve_twice
            for decision in self.decisions
            if sharing & {decision.decided_by_id, decision.on_behalf_of_id}
        )
