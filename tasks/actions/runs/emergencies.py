"""Breaking the glass, which is never quiet: proved, capped, told to all approvers, and reviewed."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from approvals import actions as approvals
from approvals.models import ApprovalRequest, Decision
from approvals.requests.proofs import ProofMissing, fresh_proof
from approvals.requests.quorum import quorum_holds
from audit.seals import seal_of
from audit.texts.quoting import quoted
from audit.transitions import Refusal, transition
from tasks import locks
from tasks.access.emergencies import (
    REVIEWED_WITHIN,
    everybody_who_could_review,
    review_stage,
    why_not,
)
from tasks.access.rights import Right, require
from tasks.access.stops import stop_of
from tasks.actions.stops import stop_by_itself
from tasks.models import Emergency, Run
from tasks.runs.notifications import notify_of_run
from tasks.runs.outdated import why_outdated

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status


class EmergencyRefused(Refusal):
    """This cannot be run without approval, not now, or not by this person."""


def break_glass(
    run_id: UUID | str, *, by: "User", door: str, reason: str, session: str = ""
) -> Emergency:
    """Run what waits for approval without it, at once. Two others review it within 24 hours.

    Everybody who was asked is told. If the two do not agree that it was right, or not in time, the
    task is stopped. Raises `EmergencyRefused`, `ProofMissing` without fresh proof of who it is, and
    `NobodyCanDecide` when there are not two others to review it.
    """
    subject = Run.objects.select_related("task", "approval").get(pk=run_id)
    with transition(by=by, door=door, subject=subject, reason=reason):
        # In the order of a decision: the request is locked before the run. Those who break it for
        # one task at the same instant come one after the other: they are counted.
        locks.hold(f"emergency:{subject.task_id}")
        asked = ApprovalRequest.objects.select_for_update(of=("self",)).filter(run=subject).first()
        run = Run.objects.select_related("task", "approval").get(pk=run_id)
        _may_break(run, asked, by, reason)
        proof = fresh_proof(by, session)
        if asked is None or proof is None:
            raise ProofMissing("Enter your password to confirm that it is you.")
        emergency = Emergency.objects.create(
            run=run,
            by=by,
            reason=reason.strip(),
            proof=proof,
            review=_ask_for_review(run, by, reason, door),
        )
        _notify(emergency, asked)
        # Who decides about the run hears of it and, as it is an emergency, queues it.
        approvals.withdraw(asked.pk, by=by, door=door, reason=f"Emergency run: {reason}")
    return emergency


def _may_break(run: Run, asked: ApprovalRequest | None, person: "User", reason: str) -> None:
    if asked is None or asked.status != Status.PENDING:
        raise EmergencyRefused("This run is no longer awaiting approval.")
    if problem := why_not(run, person):
        raise EmergencyRefused(problem)
    require(person, Right.REQUEST, run.task)
    if why := why_outdated(run):
        raise EmergencyRefused(f"{why} Nothing would run. Request it again.")
    if stop_of(run.task):
        raise EmergencyRefused(
            "This task is stopped. Nothing can be run, not even in an emergency."
        )
    if not reason.strip():
        raise EmergencyRefused(
            "Say why it cannot wait. Everybody who would have reviewed it reads this."
        )


def _ask_for_review(run: Run, by: "User", reason: str, door: str) -> ApprovalRequest:
    shown: dict[str, Any] = {
        "facts": [
            ["Run without approval", run.headline],
            ["By", str(by)],
            ["Reason", reason.strip()],
            ["If you approve", "It was justified. Nothing else happens."],
            ["If you reject, or nobody reviews it within 24 hours", "The task is stopped."],
        ],
        "changes": run.preview,
    }
    if run.approval and (warnings := run.approval.shown.get("warnings")):
        shown["warnings"] = warnings
    return approvals.open_request(
        title=f"Review emergency run: {run}"[:300],
        shown=shown,
        seal=seal_of({"emergency": str(run.pk), "by": by.pk, "reason": reason.strip()}),
        requested_by=by,
        door=door,
        stages=[review_stage(run)],
        reason=reason.strip(),
        waits_for=REVIEWED_WITHIN,
    )


def on_review_decided(request: ApprovalRequest, **_: object) -> None:
    """Hear what became of a review, inside its transaction: without two who agree the task stops."""
    emergency = Emergency.objects.filter(review=request).select_related("run__task", "by").first()
    if emergency is None or (request.status == Status.APPROVED and quorum_holds(request)):
        return
    stop_by_itself(emergency.run.task, *_who_and_why(request, emergency))


def _who_and_why(request: ApprovalRequest, emergency: Emergency) -> "tuple[User | None, str]":
    """Who brought the stop about, if anybody did, and what its people are told."""
    said = request.decisions.filter(verdict=Decision.Verdict.REJECT).first()
    what = quoted(emergency.run.headline)
    if said:
        return (
            said.decided_by,
            f"{said.decided_by} rejected an emergency run: {quoted(said.reason)}",
        )
    if request.status == Status.WITHDRAWN:
        return emergency.by, f"The review of an emergency run was withdrawn: {what}"
    if request.status == Status.APPROVED:
        return None, f"Somebody who approved an emergency run is no longer eligible: {what}"
    return None, f"An emergency run was not reviewed by two people within 24 hours: {what}"


def _notify(emergency: Emergency, asked: ApprovalRequest) -> None:
    what = quoted(emergency.run.headline)
    ran = f"{emergency.by} ran this in an emergency, without approval: {what}."
    text = f"{ran} Reason: {quoted(emergency.reason)}"
    people = {*everybody_who_could_review(asked), *everybody_who_could_review(emergency.review)}
    notify_of_run(people, emergency.run, event="emergency_run", text=text)
