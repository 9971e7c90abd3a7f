"""Who may decide what, and what a decision leaves behind. S12, S13, S22."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from approvals import actions
from approvals.models import ApprovalRequest, Decision
from approvals.requests import policy, quorum
from approvals.requests.policy import StageSpec
from approvals.signals import request_decided
from audit.context import Door
from audit.models import Event
from backoffice.models import User
from tests.people import join

Status = ApprovalRequest.Status


def test_one_approval_is_enough_where_one_is_needed(ask, decide, bob):
    assert decide(ask(), bob).status == Status.APPROVED


def test_two_people_must_agree_where_two_are_needed(ask, decide, bob, carol):
    request = ask(needed=2)
    assert decide(request, bob).status == Status.PENDING
    assert decide(request, carol).status == Status.APPROVED


def test_a_rejection_ends_the_request_and_keeps_its_reason(ask, decide, bob):
    request = decide(ask(needed=2), bob, "reject", reason="Not ours to pay")
    assert request.status == Status.REJECTED
    assert request.decisions.get().reason == "Not ours to pay"


def test_nobody_decides_their_own_request(ask, decide, bob):
    request = ask(by=bob)
    with pytest.raises(policy.OwnRequest):
        decide(request, bob)


def test_a_superuser_decides_neither_their_own_request_nor_somebody_elses(ask, decide, root):
    with pytest.raises(policy.OwnRequest):
        decide(ask(by=root), root)
    with pytest.raises(policy.NotEligible):
        decide(ask(), root)


def test_somebody_who_was_not_asked_decides_nothing(ask, decide, mallory):
    with pytest.raises(policy.NotEligible):
        decide(ask(), mallory)


def test_somebody_who_joins_the_group_later_is_not_let_in(ask, decide, mallory, approvers):
    request = ask()
    join(mallory, approvers)
    with pytest.raises(policy.NotEligible):
        decide(request, mallory)


def test_somebody_who_left_the_group_decides_nothing_more(ask, decide, bob, approvers):
    request = ask()
    actions.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="moved")
    with pytest.raises(policy.NotEligible):
        decide(request, bob)


def test_a_deactivated_person_decides_nothing(ask, decide, bob):
    request = ask()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(policy.NotEligible, match="Your account is deactivated"):
        decide(request, bob)  # the object in hand still says active


def test_one_person_has_one_decision(ask, decide, bob):
    request = ask(needed=2)
    decide(request, bob)
    with pytest.raises(policy.AlreadyDecided):
        decide(request, bob)


def test_what_was_shown_must_be_what_is_asked(ask, decide, bob):
    with pytest.raises(policy.SomethingChanged):
        decide(ask(), bob, seal="0" * 64)


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_rejection_needs_a_reason(ask, decide, bob, blank):
    with pytest.raises(policy.ReasonMissing):
        decide(ask(), bob, "reject", reason=blank)


@pytest.mark.parametrize("first", ["approve", "reject"])
def test_a_closed_request_takes_no_decision(ask, decide, bob, carol, first):
    request = ask()
    decide(request, bob, first, reason="so")
    with pytest.raises(policy.NotWaiting):
        decide(request, carol)


def test_an_expired_request_takes_no_decision(ask, decide, bob):
    with pytest.raises(policy.NotWaiting):
        decide(ask(waits_for=timedelta(seconds=-1)), bob)


def test_a_withdrawn_request_takes_no_decision(ask, decide, alice, bob):
    request = ask()
    actions.withdraw(request.pk, by=alice, door=Door.ADMIN)
    with pytest.raises(policy.NotWaiting):
        decide(request, bob)


def test_only_who_asked_can_withdraw(ask, bob):
    with pytest.raises(policy.NotEligible):
        actions.withdraw(ask().pk, by=bob, door=Door.ADMIN)


def test_expiry_closes_what_is_overdue_and_nothing_else(ask):
    overdue, waiting = ask(waits_for=timedelta(seconds=-1)), ask()
    assert actions.expire_due(door=Door.SCHEDULE) == 1
    overdue.refresh_from_db()
    waiting.refresh_from_db()
    assert (overdue.status, waiting.status) == (Status.EXPIRED, Status.PENDING)


def test_stages_are_asked_one_after_the_other(ask, decide, bob, carol, dave):
    risk, _ = Group.objects.get_or_create(name="Risk")
    join(dave, risk)
    request = ask(stages=[StageSpec("First", 1, people=[bob]), StageSpec("Then", 1, [risk])])
    with pytest.raises(policy.NotEligible):
        decide(request, dave)
    assert decide(request, bob).status == Status.PENDING
    assert decide(request, dave).status == Status.APPROVED


def test_a_request_that_nobody_could_approve_is_refused(ask, alice):
    with pytest.raises(actions.NobodyCanDecide):
        ask(stages=[StageSpec("Only herself", 1, people=[alice])])
    assert not ApprovalRequest.objects.exists()


def test_two_stages_need_two_people(ask, bob):
    alone = [StageSpec("First", 1, people=[bob]), StageSpec("Then", 1, people=[bob])]
    with pytest.raises(actions.NobodyCanDecide):
        ask(stages=alone)


def test_a_request_without_a_stage_is_a_mistake_of_the_caller(ask):
    with pytest.raises(ValueError, match="at least one stage"):
        actions.open_request(
            title="t", shown={}, seal="s", requested_by=None, door=Door.ADMIN, stages=[]
        )


def test_a_decision_is_in_the_history_with_person_door_and_reason(ask, decide, bob):
    request = decide(ask(), bob, "reject", reason="Not ours to pay")
    row = request.history.first()
    assert (row.status, row.history_user_id, row.history_door, row.history_change_reason) == (
        "rejected",
        bob.pk,
        "admin",
        "Not ours to pay",
    )
    assert request.decisions.get().history.count() == 1


def test_each_change_of_state_has_exactly_one_history_row(ask, decide, bob, carol):
    request = ask(needed=2)
    decide(request, bob)
    decide(request, carol)
    assert list(request.history.values_list("status", flat=True)) == ["approved", "pending"]


def test_a_refused_attempt_is_on_record_and_changes_nothing(ask, decide, alice):
    request = ask()
    with pytest.raises(policy.OwnRequest):
        decide(request, alice)
    event = Event.objects.get(verb=Event.Verb.REFUSED)
    assert (event.actor, event.subject_id, event.door) == (alice, str(request.pk), "admin")
    assert not Decision.objects.exists()


def test_a_receiver_that_fails_takes_the_decision_back(ask, decide, bob):
    request = ask()

    def fail(**_):
        raise RuntimeError("no")

    request_decided.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            decide(request, bob)
    finally:
        request_decided.disconnect(fail)
    request.refresh_from_db()
    assert request.status == Status.PENDING
    assert not Decision.objects.exists()


def test_an_approval_stops_counting_when_its_giver_leaves(ask, decide, bob, approvers):
    request = decide(ask(), bob)
    assert quorum.quorum_holds(request)
    actions.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="moved")
    assert not quorum.quorum_holds(request)


def test_an_approval_stops_counting_when_its_giver_is_deactivated(ask, decide, bob):
    request = decide(ask(), bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert not quorum.quorum_holds(request)


def test_the_inbox_holds_what_waits_for_this_very_person(ask, decide, alice, bob, carol, dave):
    request = ask(needed=2)
    decide(request, bob)
    waiting = {p.username: list(policy.to_decide(p)) for p in (alice, bob, carol, dave)}
    assert waiting == {"alice": [], "bob": [], "carol": [request], "dave": []}


def test_the_inbox_of_the_second_stage_is_empty_until_the_first_has_agreed(ask, decide, bob, carol):
    request = ask(stages=[StageSpec("A", 1, people=[bob]), StageSpec("B", 1, people=[carol])])
    assert not policy.to_decide(carol)
    decide(request, bob)
    assert list(policy.to_decide(carol)) == [request]


def test_requests_are_seen_by_who_asked_who_is_asked_and_auditors(ask, alice, bob, mallory, root):
    request = ask()
    seen = {p.username: list(policy.visible_to(p)) for p in (alice, bob, mallory, root)}
    assert seen == {"alice": [request], "bob": [request], "mallory": [], "root": [request]}
