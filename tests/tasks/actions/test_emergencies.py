"""Breaking the glass: a right of its own, proved, told to all, capped, reviewed by two or locked."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.urls import reverse

from approvals import actions as approvals
from approvals.models import ApprovalRequest, Notification, Proof, Reviewer, Stage
from approvals.requests.policy import to_decide
from approvals.requests.proofs import ProofMissing
from audit.context import Door
from audit.database.clock import database_now
from tasks.access.administrators import deciding_groups
from tasks.access.rights import Right
from tasks.access.stops import stop_of
from tasks.actions import EmergencyRefused, break_glass
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.people import may_do
from tasks.actions.runs.requests import TaskStopped
from tasks.actions.stops import stop_tasks
from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.registry import registry
from tasks.models import Emergency, Stop
from tests.owner import without_guards
from tests.people import join
from tests.races import at_once
from tests.tasks.admin.reading import page_of, signed_in, url, words

pytestmark = pytest.mark.django_db

SESSION, PASSWORD = "a session", "a-password-of-alices-own"
WHY = "The customer's shop is closed until it is paid"


@pytest.fixture
def on_call(db) -> Group:
    return Group.objects.get_or_create(name="On call")[0]


@pytest.fixture
def glass(credit, task, alice, on_call, approvers):
    """Alice is on call; three approve, so that two can review what one of them could not."""
    registry._tasks["test-credit"] = replace(
        credit.registered, break_glass=BreakGlass("On call", per_day=1, up_to=Decimal(500))
    )
    join(alice, on_call)
    alice.set_password(PASSWORD)
    alice.save()
    return alice


@pytest.fixture
def proved(glass):
    approvals.prove_by_password(glass, PASSWORD, session=SESSION, door=Door.ADMIN)
    return glass


def broken(run, by, *, reason=WHY, session=SESSION) -> Emergency:
    return break_glass(run.pk, by=by, door=Door.ADMIN, reason=reason, session=session)


def review(emergency, by, verdict="approve", reason="") -> None:
    approvals.decide(
        emergency.review_id,
        decided_by=by,
        verdict=verdict,
        seal=emergency.review.seal,
        door=Door.ADMIN,
        reason=reason,
    )


def test_it_runs_at_once_and_the_request_is_closed(ask, proved, work, credit):
    run = ask("150.00")
    broken(run, proved)
    run.refresh_from_db()
    assert (run.status, run.approval.status) == ("queued", "withdrawn")
    assert work(run).status == "succeeded"
    assert len(credit.calls) == 1


def test_everybody_who_was_asked_hears_of_it(ask, proved, bob, carol):
    broken(ask("150.00"), proved)
    told = Notification.objects.filter(event="emergency_run")
    assert {notification.person for notification in told} >= {bob, carol}
    assert WHY in told[0].text


def test_two_others_review_it_and_nothing_else_follows(ask, proved, bob, carol, task):
    emergency = broken(ask("150.00"), proved)
    assert not to_decide(proved).exists()
    review(emergency, bob)
    emergency.review.refresh_from_db()
    assert emergency.review.status == "pending"
    review(emergency, carol)
    emergency.review.refresh_from_db()
    assert emergency.review.status == "approved"
    assert stop_of(task) is None


def test_a_review_by_somebody_who_has_left_since_does_not_count(
    ask, proved, bob, carol, approvers, task
):
    emergency = broken(ask("150.00"), proved)
    review(emergency, bob)
    approvals.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="Left")
    review(emergency, carol)
    assert "no longer eligible" in stop_of(task).reason


def test_what_is_outdated_is_not_run_in_an_emergency_either(ask, proved, deploy):
    run = ask("150.00")
    deploy(source_hash="2" * 64, break_glass=BreakGlass("On call", per_day=1))
    with pytest.raises(EmergencyRefused, match="code has changed"):
        broken(run, proved)


def test_one_who_does_not_agree_stops_the_task(ask, proved, bob, task):
    emergency = broken(ask("150.00"), proved)
    review(emergency, bob, "reject", "It could have waited")
    assert "It could have waited" in stop_of(task).reason
    assert stop_of(task).stopped_by == bob
    with pytest.raises(TaskStopped):
        ask("20.00")


def test_nobody_who_looks_within_a_day_stops_the_task(ask, proved, task):
    emergency = broken(ask("150.00"), proved)
    left = emergency.review.expires_at - emergency.review.opened_at
    assert left <= timedelta(hours=24, seconds=1)
    with without_guards("approvals_approvalrequest"):
        ApprovalRequest.objects.filter(pk=emergency.review_id).update(expires_at=Now())
    approvals.expire_due(door=Door.SCHEDULE)
    stop = stop_of(task)
    assert "An emergency run was not reviewed" in stop.reason
    assert stop.stopped_by is None
    client = signed_in(proved)
    stops = words(client.get(reverse("admin:tasks_stop_changelist")))
    assert "“Test credit” was stopped automatically" in stops
    assert "None has stopped" not in stops
    page = words(client.get(reverse("admin:tasks_task_request", args=[task.slug])))
    assert "Stopped automatically" in page
    with pytest.raises(TaskStopped, match="“Test credit” was stopped automatically: An emergency"):
        ask("20.00")


def test_who_broke_it_does_not_take_the_review_back_without_stopping_the_task(ask, proved, task):
    emergency = broken(ask("150.00"), proved)
    approvals.withdraw(emergency.review_id, by=proved, door=Door.ADMIN)
    assert stop_of(task).stopped_by == proved
    assert "The review of an emergency run was withdrawn" in stop_of(task).reason


def test_a_task_that_is_stopped_already_stays_stopped_once(ask, proved, bob, task):
    emergency = broken(ask("150.00"), proved)
    set_right(task, Right.APPROVE, to=bob)
    stop_tasks(Stop.Scope.TASK, task=task, by=bob, door=Door.ADMIN, reason="A fault")
    review(emergency, bob, "reject", "No")
    assert Stop.objects.filter(ended_at=None).count() == 1


def test_without_fresh_proof_nothing_happens(ask, glass):
    run = ask("150.00")
    with pytest.raises(ProofMissing):
        broken(run, glass)
    run.refresh_from_db()
    assert run.status == "awaiting"


def test_who_is_not_on_call_does_not_break_it(ask, proved, on_call):
    approvals.remove_member(
        user=proved, group=on_call, by=None, door=Door.COMMAND, reason="Off duty"
    )
    with pytest.raises(EmergencyRefused, match="On call"):
        broken(ask("150.00"), proved)


def test_a_superuser_does_not_break_it_by_being_one(ask, task, glass, root):
    set_right(task, Right.REQUEST, to=root)
    root.set_password(PASSWORD)
    root.save()
    approvals.prove_by_password(root, PASSWORD, session=SESSION, door=Door.ADMIN)
    with pytest.raises(EmergencyRefused, match="On call"):
        broken(ask("150.00", by=root), root)


def test_nobody_breaks_it_for_what_somebody_else_asked(ask, proved, task, dave, on_call):
    set_right(task, Right.EXECUTE, to=dave)
    with pytest.raises(EmergencyRefused, match="Only the requester"):
        broken(ask("150.00", by=dave), proved)


def test_a_task_that_does_not_say_so_has_no_glass(ask, proved, credit):
    registry._tasks["test-credit"] = credit.registered
    with pytest.raises(EmergencyRefused, match="not allowed for this task"):
        broken(ask("150.00"), proved)


def test_it_is_capped_in_number(ask, proved):
    broken(ask("150.00"), proved)
    with pytest.raises(EmergencyRefused, match="once within 24 hours"):
        broken(ask("151.00"), proved)


def test_it_is_capped_in_amount(ask, proved):
    with pytest.raises(EmergencyRefused, match="limited to amounts up to 500"):
        broken(ask("500.01"), proved)


def test_it_says_why(ask, proved):
    with pytest.raises(EmergencyRefused, match="Say why"):
        broken(ask("150.00"), proved, reason="  ")


def test_where_two_others_could_not_review_it_it_does_not_happen(
    ask, proved, bob, carol, approvers
):
    run = ask("150.00")
    approvals.remove_member(user=carol, group=approvers, by=None, door=Door.COMMAND, reason="x")
    with pytest.raises(approvals.NobodyCanDecide):
        broken(run, proved)
    run.refresh_from_db()
    assert run.status == "awaiting"


def test_a_stop_holds_in_an_emergency_too(ask, proved, task, bob):
    run = ask("150.00")
    set_right(task, Right.APPROVE, to=bob)
    stop_tasks(Stop.Scope.TASK, task=task, by=bob, door=Door.ADMIN, reason="A fault")
    with pytest.raises(EmergencyRefused, match="is stopped"):
        broken(run, proved)


def test_what_was_decided_is_not_broken(ask, proved, approve, bob):
    run = ask("150.00")
    approve(run, verdict="reject", reason="No")
    with pytest.raises(EmergencyRefused, match="no longer awaiting approval"):
        broken(run, proved)


def test_what_was_sealed_is_what_runs_in_an_emergency_too(ask, proved, work, deploy, credit):
    run = ask("150.00")
    broken(run, proved)
    deploy(source_hash="2" * 64)
    assert work(run).status == "stale"
    assert not credit.calls


def insert(run, by) -> None:
    with transaction.atomic():
        Emergency.objects.create(
            run=run, by=by, reason="x", proof=Proof.objects.get(), review=run.approval
        )


def test_the_database_wants_a_review_and_proof_and_the_very_person(ask, proved, bob):
    run = ask("150.00")
    with pytest.raises(IntegrityError, match="Two others review"):
        insert(run, proved)
    with pytest.raises(IntegrityError, match="Only who asked"):
        insert(run, bob)


@transaction.atomic
def forge(run, by, *, reviewers) -> None:
    """An emergency as somebody would write it who has the database's password alone."""
    review = ApprovalRequest.objects.create(
        title="x",
        shown={},
        seal="x",
        requested_by=by,
        expires_at=database_now() + timedelta(hours=1),
    )
    stage = Stage.objects.create(request=review, position=1, name="x", needed=2)
    Reviewer.objects.bulk_create(Reviewer(stage=stage, person=person) for person in reviewers)
    Emergency.objects.create(run=run, by=by, reason="x", proof=Proof.objects.get(), review=review)


def test_an_emergency_that_nobody_could_review_is_none(ask, proved, bob):
    with pytest.raises(IntegrityError, match="Nobody could review"):
        forge(ask("150.00"), proved, reviewers=[proved, bob])


@pytest.mark.parametrize("lacking", ["the task", "the person"])
def test_a_forged_emergency_runs_nothing(ask, proved, bob, carol, on_call, work, credit, lacking):
    """Rows that the guards let pass: of a task that allows none, or of somebody not on call."""
    run = ask("150.00")
    forge(run, proved, reviewers=[bob, carol])
    type(run).objects.filter(pk=run.pk).update(status="queued", queued_at=Now())
    if lacking == "the task":
        registry._tasks["test-credit"] = credit.registered
    else:
        approvals.remove_member(user=proved, group=on_call, by=None, door=Door.COMMAND, reason="x")
    assert work(run).status == "stale"
    assert not credit.calls


def test_the_database_keeps_an_emergency_as_it_was(ask, proved):
    emergency = broken(ask("150.00"), proved)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Emergency.objects.filter(pk=emergency.pk).update(reason="something else")


def test_a_run_does_not_begin_without_approval_and_without_an_emergency(ask, proved):
    run = ask("150.00")
    with pytest.raises(IntegrityError, match="not been approved"), transaction.atomic():
        type(run).objects.filter(pk=run.pk).update(status="queued")


def test_who_is_on_call_is_said_by_two(glass, on_call, db):
    before = Group.objects.create(name="Lunch")
    assert on_call in deciding_groups()
    assert before not in deciding_groups()
    assert "Emergency runs without approval: Test credit" in may_do(on_call)


def test_on_the_page(ask, glass, bob, carol):
    run = ask("150.00")
    client = signed_in(glass)
    assert "Run in an emergency, without approval" in words(client.get(page_of(run)))
    assert "Run in an emergency" not in words(signed_in(bob).get(page_of(run)))
    sent = {"reason": WHY, "password": "wrong"}
    answer = client.post(url("tasks_run_break_glass", run.pk), sent, follow=True)
    assert "Incorrect password" in words(answer)
    answer = client.post(
        url("tasks_run_break_glass", run.pk), sent | {"password": PASSWORD}, follow=True
    )
    text = words(answer)
    assert "Alice Example ran this in an emergency, without approval" in text
    assert "Two people have to review it by" in text
    assert "within 24 hours, which is the limit" in words(client.get(page_of(ask("151.00"))))


# --- At the same instant ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_counted(ask, proved):
    for _ in range(5):
        runs = [ask("150.00"), ask("151.00")]
        before = Emergency.objects.count()
        results = at_once(*(partial(broken, run, proved) for run in runs))
        assert sum(isinstance(result, Emergency) for result in results) == (before == 0)
        assert Emergency.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_broken_and_rejected_at_once_is_one_of_the_two(ask, proved, bob, credit, task):
    registry._tasks["test-credit"] = replace(
        credit.registered, break_glass=BreakGlass("On call", 99)
    )
    seen = set()
    for _ in range(10):
        run = ask("150.00")
        reject = partial(
            approvals.decide,
            run.approval_id,
            decided_by=bob,
            verdict="reject",
            seal=run.seal,
            door=Door.ADMIN,
            reason="No",
        )
        at_once(partial(broken, run, proved), reject)
        run.refresh_from_db()
        assert run.status == (
            "queued" if Emergency.objects.filter(run=run).exists() else "rejected"
        )
        seen.add(run.status)
    assert seen <= {"queued", "rejected"}
