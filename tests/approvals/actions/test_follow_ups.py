"""What becomes of a stage that nobody decides: reminders, and others who may decide from then on."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals import actions
from approvals.models import ApprovalRequest, Decision, FollowUp, Notification, Reviewer
from approvals.requests import policy, quorum
from approvals.requests.explanation import explain
from approvals.requests.policy import NotEligible, StageSpec
from audit.context import Door
from audit.database.clock import database_now
from tests.owner import without_guards
from tests.people import join
from tests.races import at_once
from tests.tasks.admin.reading import words

Status = ApprovalRequest.Status
# A time counted from the request that is over already, and one that is not.
OVER, TO_COME = timedelta(seconds=-1), timedelta(hours=1)


@pytest.fixture
def risk(dave) -> Group:
    """Dave is asked when Bob and Carol do not decide."""
    group, _ = Group.objects.get_or_create(name="Risk")
    join(dave, group)
    return group


@pytest.fixture
def ask_later(ask, approvers, risk):
    """A question that escalates to Risk."""

    def open_one(after=OVER, *, needed=1, **said):
        spec = StageSpec(
            "Managers", needed, [approvers], escalate_after=after, escalate_to=[risk], **said
        )
        return ask(stages=[spec])

    return open_one


@pytest.fixture
def ask_patiently(ask, approvers):
    """A question whose people are reminded."""

    def open_one(after=OVER, *, needed=1):
        return ask(stages=[StageSpec("Managers", needed, [approvers], remind_after=after)])

    return open_one


def tell_of_stuck() -> int:
    return actions.notify_of_stuck(door=Door.SCHEDULE)


def remind() -> int:
    return actions.remind_due(door=Door.SCHEDULE)


def escalate() -> int:
    return actions.escalate_due(door=Door.SCHEDULE)


def told(person) -> list[str]:
    return [notification.text for notification in Notification.objects.filter(person=person)]


# --- Reminders -----------------------------------------------------------------------------------


def test_those_who_may_decide_are_reminded_once(ask_patiently, alice, bob, carol):
    ask_patiently()
    assert (remind(), remind()) == (1, 0)
    expected = ["Reminder, approval needed: “Issue credit: 150.00 USD”"]
    assert (told(bob), told(carol), told(alice)) == (expected, expected, [])


def test_nobody_is_reminded_before_the_time(ask_patiently, bob):
    ask_patiently(TO_COME)
    assert remind() == 0


def test_nobody_is_reminded_where_the_rule_does_not_say_so(ask, bob):
    ask()
    assert remind() == 0


def test_who_has_decided_is_not_reminded(ask_patiently, decide, bob, carol):
    decide(ask_patiently(needed=2), bob)
    remind()
    assert (told(bob), len(told(carol))) == ([], 1)


def test_who_has_left_the_group_is_not_reminded(ask_patiently, bob, carol, approvers):
    ask_patiently()
    actions.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="moved on")
    remind()
    assert (told(bob), len(told(carol))) == ([], 1)


def test_nobody_is_reminded_of_what_is_decided(ask_patiently, decide, bob):
    decide(ask_patiently(), bob)
    assert remind() == 0


def test_nobody_is_reminded_of_what_has_expired(ask, approvers, bob):
    stage = StageSpec("Managers", 1, [approvers], remind_after=OVER)
    ask(stages=[stage], waits_for=timedelta(seconds=-1))
    assert remind() == 0


def test_a_later_stage_is_reminded_of_when_its_turn_comes(ask, decide, bob, carol):
    first = StageSpec("First", 1, people=[bob])
    request = ask(stages=[first, StageSpec("Then", 1, people=[carol], remind_after=OVER)])
    assert remind() == 0
    decide(request, bob)
    assert remind() == 1
    assert len(told(carol)) == 1


# --- Escalation: who may decide, and from when ----------------------------------------------------


def test_before_the_time_those_it_would_be_escalated_to_may_not_decide(ask_later, decide, dave):
    request = ask_later(TO_COME)
    with pytest.raises(NotEligible):
        decide(request, dave)
    assert not policy.to_decide(dave).exists()
    assert not policy.visible_to(dave).exists()


def test_from_the_time_on_they_may_decide_too(ask_later, decide, dave):
    request = ask_later()
    assert list(policy.to_decide(dave)) == [request]
    assert decide(request, dave).status == Status.APPROVED
    assert quorum.quorum_holds(request)


def test_what_was_decided_before_its_time_stays_unseen_when_the_time_has_come(
    ask_later, decide, bob, dave
):
    request = ask_later()
    decide(request, bob)
    assert list(policy.visible_to(dave)) == [request]
    before = request.stages.get().reviewers.get(person=dave).not_before - timedelta(seconds=1)
    with without_guards("approvals_approvalrequest"):
        ApprovalRequest.objects.update(closed_at=before)
    assert not policy.visible_to(dave).exists()


def test_who_was_asked_first_may_still_decide(ask_later, decide, bob):
    assert decide(ask_later(), bob).status == Status.APPROVED


def test_the_number_that_is_needed_stays_the_same(ask_later, decide, bob, dave):
    request = ask_later(needed=2)
    assert decide(request, dave).status == Status.PENDING
    assert decide(request, bob).status == Status.APPROVED


def test_those_it_would_be_escalated_to_do_not_make_up_the_number(ask_later, bob, carol, dave):
    with pytest.raises(actions.NobodyCanDecide):
        ask_later(needed=3)


def test_the_requester_never_decides_it_though_it_is_escalated_to_them(
    ask_later, decide, alice, risk
):
    join(alice, risk)
    request = ask_later()
    with pytest.raises(policy.OwnRequest):
        decide(request, alice)
    assert not Reviewer.objects.filter(person=alice).exists()


def test_who_is_left_out_of_a_stage_is_left_out_of_its_escalation(ask_later, dave):
    ask_later(without=[dave])
    assert not Reviewer.objects.filter(person=dave).exists()


def test_who_joins_the_group_after_the_request_is_not_let_in(ask_later, decide, mallory, risk):
    request = ask_later()
    join(mallory, risk)
    with pytest.raises(NotEligible):
        decide(request, mallory)


def test_who_left_the_group_since_counts_no_more(ask_later, decide, dave, risk):
    request = ask_later()
    decide(request, dave)
    actions.remove_member(user=dave, group=risk, by=None, door=Door.COMMAND, reason="moved on")
    assert not quorum.quorum_holds(request)


def test_who_left_the_first_group_is_not_let_in_by_an_escalation_to_the_second(
    ask_later, decide, bob, approvers, risk
):
    join(bob, risk)
    request = ask_later()
    actions.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="moved on")
    with pytest.raises(NotEligible):
        decide(request, bob)


@pytest.mark.parametrize(("after", "passes"), [(OVER, True), (TO_COME, False)])
def test_the_database_knows_from_when_somebody_may_decide(
    transactional_db, ask_later, dave, after, passes
):
    request = ask_later(after)
    vote = Decision(
        request=request,
        stage=request.stages.get(),
        requested_by=request.requested_by,
        decided_by=dave,
        verdict="approve",
        seal=request.seal,
        door="admin",
    )
    if passes:
        vote.save()
    else:
        with pytest.raises(DatabaseError, match="may not decide"):
            vote.save()


def test_the_time_is_not_brought_forward(transactional_db, ask_later):
    ask_later(TO_COME)
    with pytest.raises(DatabaseError), transaction.atomic():
        Reviewer.objects.update(not_before=None)


# --- Escalation: who is told ----------------------------------------------------------------------


def test_those_who_may_decide_now_and_who_asked_are_told_once(ask_later, alice, bob, carol, dave):
    ask_later()
    assert (escalate(), escalate()) == (1, 0)
    assert told(dave) == ["Escalated to you, approval needed: “Issue credit: 150.00 USD”"]
    assert told(alice) == ["Escalated to Risk: “Issue credit: 150.00 USD”"]
    assert told(bob) == []


def test_nothing_is_escalated_before_the_time(ask_later, dave):
    ask_later(TO_COME)
    assert escalate() == 0


def test_what_was_told_is_never_taken_back(transactional_db, ask_later):
    ask_later()
    escalate()
    for change in (FollowUp.objects.all().delete, lambda: FollowUp.objects.update(kind="x")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_notify_once(ask, approvers, risk, bob, dave):
    stage = StageSpec(
        "Managers", 1, [approvers], remind_after=OVER, escalate_after=OVER, escalate_to=[risk]
    )
    for _ in range(10):
        request = ask(stages=[stage])
        for sweep in (remind, escalate):
            assert sorted(at_once(sweep, sweep)) == [0, 1]
        told_of = Notification.objects.filter(subject_id=str(request.pk))
        assert [told_of.filter(person=person).count() for person in (bob, dave)] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_reminded_after_the_decision_that_came_at_the_same_instant(
    ask_patiently, decide, bob
):
    for _ in range(15):
        request = ask_patiently()
        at_once(lambda r=request: decide(r, bob), remind)
        request.refresh_from_db()
        assert not FollowUp.objects.filter(recorded_at__gt=request.closed_at).exists()


# --- What the page says ---------------------------------------------------------------------------


@pytest.fixture
def read(client):
    def text_of(request, person):
        client.force_login(person)
        page = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
        return words(client.get(page))

    return text_of


def test_the_page_says_when_it_is_escalated_and_to_whom(ask_later, read, alice):
    text = read(ask_later(TO_COME), alice)
    assert ", Risk can decide it too." in text
    assert "Dave Example" not in text


def test_the_page_says_that_it_is_escalated_and_names_who_may_decide_now(ask_later, read, alice):
    request = ask_later()
    escalate()
    text = read(request, alice)
    assert "Escalated to Risk, who can decide it since" in text
    assert "Dave Example" in text
    assert "“Managers” was escalated" in text


def test_the_page_says_when_an_escalation_would_reach_nobody_else(ask, approvers, read, alice, bob):
    stage = StageSpec("Managers", 1, [approvers], escalate_after=TO_COME, escalate_to=[approvers])
    text = read(ask(stages=[stage]), alice)
    assert "Escalated to Approvers, but nobody else there can decide it." in text


def test_the_page_speaks_of_no_escalation_when_it_is_decided(ask_later, decide, read, alice, bob):
    request = ask_later(TO_COME)
    decide(request, bob)
    assert "escalated" not in read(request, alice)


def test_a_page_costs_as_many_queries_for_three_stages_that_escalate_as_for_one(
    ask, risk, alice, bob, carol, dave, django_assert_num_queries
):
    def stages(*people):
        return [
            StageSpec("S", 1, people=[p], escalate_after=OVER, escalate_to=[risk]) for p in people
        ]

    now = database_now()
    few, many = ask(stages=stages(bob)), ask(stages=stages(bob, carol, dave))
    with CaptureQueriesContext(connection) as queries:
        explain(few, alice, now=now)
    with django_assert_num_queries(len(queries)):
        explain(many, alice, now=now)


# --- Nobody is left -------------------------------------------------------------------------------


@pytest.fixture
def ask_bob(ask, approvers, bob):
    """A question for the approvers, of whom Alice has chosen Bob alone."""
    return lambda: ask(stages=[StageSpec("Managers", 1, [approvers], only=[bob])])


def deactivate(person) -> None:
    type(person).objects.filter(pk=person.pk).update(is_active=False)


def test_who_asked_hears_that_nobody_is_left_and_what_to_do(ask_bob, alice, bob, carol, client):
    request = ask_bob()
    assert tell_of_stuck() == 0
    deactivate(bob)
    assert [tell_of_stuck(), tell_of_stuck()] == [1, 0]
    told = Notification.objects.get(event="request_stuck")
    assert told.person == alice
    assert "No reviewer is left" in told.text
    assert "Withdraw it" in told.text
    client.force_login(alice)
    text = words(client.get(reverse("admin:approvals_approvalrequest_change", args=[request.pk])))
    assert "No reviewer is left for “Managers”: nobody can decide it any more. Withdraw it" in text
    client.force_login(carol)
    page = client.get(reverse("admin:approvals_approvalrequest_change", args=[request.pk]))
    assert page.status_code == 404


def test_it_waits_for_those_who_are_left_and_have_not_decided(ask, decide, bob, carol):
    request = ask(needed=2)
    deactivate(bob)
    assert tell_of_stuck() == 0
    decide(request, carol)
    assert tell_of_stuck() == 1


def test_it_waits_for_those_it_is_escalated_to(ask_later, bob, carol, dave):
    ask_later(TO_COME)
    deactivate(bob)
    deactivate(carol)
    assert tell_of_stuck() == 0
    deactivate(dave)
    assert tell_of_stuck() == 1
