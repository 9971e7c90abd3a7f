"""The database refuses what the functions refuse, to whoever writes. Attacks 1, 5, 6, 9, 10."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from approvals.models import ApprovalRequest, Decision, Reviewer, Stage
from tests.approvals.conftest import SEAL


def vote(request, stage, by, **changed):
    """A decision written past every function of ours."""
    fields = {
        "request": request,
        "stage": stage,
        "requested_by": request.requested_by,
        "decided_by": by,
        "verdict": "approve",
        "seal": SEAL,
        "door": "admin",
    }
    with transaction.atomic():
        return Decision.objects.bulk_create([Decision(**fields | changed)])


@pytest.fixture
def request_(transactional_db, ask):
    return ask(needed=2)


@pytest.fixture
def stage(request_):
    return request_.stages.get()


def refuses(sql: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_an_honest_vote_passes(request_, stage, bob):
    assert vote(request_, stage, bob)


def test_one_cannot_vote_on_ones_own_request(request_, stage, alice):
    with pytest.raises(DatabaseError):
        vote(request_, stage, alice)


def test_a_falsified_requester_does_not_help(request_, stage, alice, mallory):
    with pytest.raises(DatabaseError):
        vote(request_, stage, alice, requested_by=mallory)


def test_an_unseen_seal_is_refused(request_, stage, bob):
    with pytest.raises(DatabaseError):
        vote(request_, stage, bob, seal="0" * 64)


def test_a_second_vote_is_refused(request_, stage, bob):
    vote(request_, stage, bob)
    with pytest.raises(DatabaseError):
        vote(request_, stage, bob)


def test_somebody_who_is_no_reviewer_is_refused(request_, stage, mallory):
    with pytest.raises(DatabaseError):
        vote(request_, stage, mallory)


def test_a_deactivated_reviewer_is_refused(request_, stage, bob):
    type(bob).objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(DatabaseError):
        vote(request_, stage, bob)


def test_a_reviewer_cannot_be_added_later(request_, stage, mallory):
    with pytest.raises(DatabaseError), transaction.atomic():
        Reviewer.objects.create(stage=stage, person=mallory)


def test_a_stage_cannot_be_added_or_eased_later(request_, stage):
    with pytest.raises(DatabaseError), transaction.atomic():
        Stage.objects.create(request=request_, position=9, name="mine", needed=1)
    refuses("UPDATE approvals_stage SET needed = 1")
    refuses("DELETE FROM approvals_reviewer")


def test_approved_without_its_quorum_is_refused(request_, stage, bob):
    vote(request_, stage, bob)
    refuses("UPDATE approvals_approvalrequest SET status = 'approved'")


def test_approved_with_its_quorum_passes(request_, stage, bob, carol):
    vote(request_, stage, bob)
    vote(request_, stage, carol)
    assert ApprovalRequest.objects.filter(pk=request_.pk).update(status="approved") == 1


@pytest.mark.parametrize(
    "change",
    ["seal = 'x'", "requested_by_id = requested_by_id + 1", "title = 'x'", "shown = '{}'",
     "expires_at = now() + interval '1 year'", "opened_in = 0"],
)  # fmt: skip
def test_what_is_asked_never_changes(request_, change):
    refuses(f"UPDATE approvals_approvalrequest SET {change}")  # noqa: S608 - our own list


@pytest.mark.parametrize("status", ["rejected", "withdrawn", "expired"])
def test_a_closed_request_is_not_opened_again(request_, status):
    ApprovalRequest.objects.filter(pk=request_.pk).update(status=status)
    refuses("UPDATE approvals_approvalrequest SET status = 'pending'")
    refuses("UPDATE approvals_approvalrequest SET status = 'approved'")


def test_when_a_request_was_closed_never_changes(request_, stage, bob, carol):
    refuses("UPDATE approvals_approvalrequest SET revisable = NOT revisable")
    refuses("UPDATE approvals_approvalrequest SET closed_at = now()")
    ApprovalRequest.objects.update(status="withdrawn", closed_at=Now())
    refuses("UPDATE approvals_approvalrequest SET closed_at = now()")
    refuses("UPDATE approvals_approvalrequest SET closed_at = NULL")


def test_a_request_begins_as_pending(transactional_db, alice):
    with pytest.raises(DatabaseError):
        ApprovalRequest.objects.create(
            title="t",
            seal=SEAL,
            requested_by=alice,
            status="approved",
            expires_at="2099-01-01T00:00:00Z",
        )


def test_votes_and_requests_cannot_be_removed_or_changed(request_, stage, bob):
    vote(request_, stage, bob)
    refuses("DELETE FROM approvals_decision")
    refuses("UPDATE approvals_decision SET verdict = 'reject', reason = 'x'")
    refuses("DELETE FROM approvals_approvalrequest")


def test_a_rejection_without_a_reason_is_refused(request_, stage, bob):
    with pytest.raises(DatabaseError):
        vote(request_, stage, bob, verdict="reject")
