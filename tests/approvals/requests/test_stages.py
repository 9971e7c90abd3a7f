"""What a stage may say beside whom it asks: for how long, and whether one person may serve twice."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from approvals import actions
from approvals.models import ApprovalRequest, Decision
from approvals.requests import policy, quorum
from approvals.requests.explanation import explain
from approvals.requests.policy import StageSpec
from audit.context import Door
from audit.database.clock import database_now
from tests.approvals.conftest import SEAL
from tests.races import at_once

Status = ApprovalRequest.Status
DAY = timedelta(days=1)


@pytest.fixture
def ask_for(alice):
    """Ask with these stages, saying nothing about how long people have."""

    def open_one(*stages, waits_for=None):
        return actions.open_request(
            title="Issue credit: 150.00 USD",
            shown={"facts": [], "changes": []},
            seal=SEAL,
            requested_by=alice,
            door=Door.ADMIN,
            stages=stages,
            reason="The parcel was late",
            waits_for=waits_for,
        )

    return open_one


@pytest.fixture
def twice(bob, carol):
    """Bob decides first; then Bob, or Carol, decides again."""
    return [
        StageSpec("First", 1, people=[bob]),
        StageSpec("Then", 1, people=[bob, carol], may_serve_twice=True),
    ]


@pytest.mark.parametrize(
    ("first", "second", "said", "expected"),
    [
        (None, None, None, 3 * DAY),
        (2 * DAY, None, None, 2 * DAY),
        (5 * DAY, 4 * DAY, None, 4 * DAY),
        (5 * DAY, None, None, 3 * DAY),
        (None, None, 7 * DAY, 7 * DAY),
        (2 * DAY, None, 7 * DAY, 2 * DAY),
        (2 * DAY, None, DAY, DAY),
    ],
)
def test_the_shortest_time_that_is_said_holds(ask_for, bob, carol, first, second, said, expected):
    request = ask_for(
        StageSpec("First", 1, people=[bob], expires_after=first),
        StageSpec("Then", 1, people=[carol], expires_after=second),
        waits_for=said,
    )
    assert abs(request.expires_at - database_now() - expected) < timedelta(minutes=1)


def test_a_stage_keeps_what_its_rule_says(ask_for, bob, approvers):
    spec = StageSpec(
        "Only",
        1,
        people=[bob],
        remind_after=timedelta(hours=4),
        escalate_after=DAY,
        escalate_to=[approvers],
        fresh_proof=True,
    )
    stage = ask_for(spec).stages.get()
    assert (stage.remind_after, stage.escalate_after) == (timedelta(hours=4), DAY)
    assert (list(stage.escalate_to.all()), stage.fresh_proof) == ([approvers], True)


def test_nobody_adds_where_a_stage_escalates_to(ask_for, bob, approvers, transactional_db):
    stage = ask_for(StageSpec("Only", 1, people=[bob])).stages.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        stage.escalate_to.add(approvers)


def test_who_decided_one_stage_decides_another_that_says_so(ask_for, decide, twice, bob):
    request = ask_for(*twice)
    assert decide(request, bob).status == Status.PENDING
    assert list(policy.to_decide(bob)) == [request]
    request.refresh_from_db()
    assert "Bob" in explain(request, bob, now=database_now()).stages[1].may_decide
    assert decide(request, bob).status == Status.APPROVED
    assert quorum.quorum_holds(request)


def test_a_stage_that_may_be_served_twice_counts_nobody_twice(ask_for, decide, bob, carol):
    request = ask_for(
        StageSpec("First", 1, people=[bob]),
        StageSpec("Then", 2, people=[bob, carol], may_serve_twice=True),
    )
    decide(request, bob)
    decide(request, bob)
    with pytest.raises(policy.AlreadyDecided):
        decide(request, bob)
    assert not policy.to_decide(bob).exists()
    assert decide(request, carol).status == Status.APPROVED


def test_the_later_stage_is_the_one_that_has_to_say_so(ask_for, decide, bob, carol):
    request = ask_for(
        StageSpec("First", 1, people=[bob], may_serve_twice=True),
        StageSpec("Then", 1, people=[bob, carol]),
    )
    decide(request, bob)
    assert not policy.to_decide(bob).exists()
    with pytest.raises(policy.AlreadyDecided):
        decide(request, bob)


def test_one_person_is_enough_for_two_stages_only_where_the_second_says_so(ask_for, bob):
    alone = [StageSpec("First", 1, people=[bob]), StageSpec("Then", 1, people=[bob])]
    with pytest.raises(actions.NobodyCanDecide):
        ask_for(*alone)
    assert ask_for(alone[0], StageSpec("Then", 1, people=[bob], may_serve_twice=True))


@pytest.mark.parametrize(("may_serve_twice", "passes"), [(True, True), (False, False)])
def test_the_database_knows_which_stage_may_be_served_twice(
    transactional_db, ask_for, decide, bob, carol, may_serve_twice, passes
):
    request = ask_for(
        StageSpec("First", 1, people=[bob]),
        StageSpec("Then", 1, people=[bob, carol], may_serve_twice=may_serve_twice),
    )
    decide(request, bob)
    vote = Decision(
        request=request,
        stage=request.stages.get(position=2),
        requested_by=request.requested_by,
        decided_by=bob,
        verdict="approve",
        seal=SEAL,
        door="admin",
    )
    if passes:
        vote.save()
    else:
        with pytest.raises(DatabaseError, match="decided this request already"):
            vote.save()


@pytest.mark.django_db(transaction=True)
def test_one_person_at_two_windows_decides_one_stage_of_a_request(ask_for, bob, carol, dave):
    """The database alone, as a faulty door would write: no lock but its own."""
    for _ in range(15):
        request = ask_for(
            StageSpec("First", 2, people=[bob, dave]), StageSpec("Then", 1, people=[bob, carol])
        )

        def vote(stage, request=request):
            with connection.cursor() as cursor:
                cursor.execute(
                    """INSERT INTO approvals_decision
                    (request_id, stage_id, requested_by_id, decided_by_id, verdict, seal, door, reason)
                    VALUES (%s, %s, %s, %s, 'approve', %s, 'admin', '')""",
                    [request.pk, stage.pk, request.requested_by_id, bob.pk, SEAL],
                )

        first, second = request.stages.all()
        at_once(lambda v=vote, s=first: v(s), lambda v=vote, s=second: v(s))
        assert request.decisions.count() == 1
