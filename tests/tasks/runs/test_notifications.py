"""Who is told of what became of a run."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from approvals.models import Notification
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import cancel_run, recover_lost_runs, start_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Refused
from tasks.models import Run
from tasks.worker.execution import execute

pytestmark = pytest.mark.django_db(transaction=True)


def told(person, event):
    return [n.text for n in Notification.objects.filter(person=person, event=event)]


def people_told(event):
    names = Notification.objects.filter(event=event).values_list("person__username", flat=True)
    return sorted(names)


def refuse(run):
    raise Refused("The card is closed.")


@pytest.fixture
def lost(ask, administrator):
    run = ask("50.00")
    start_run(run.pk, worker="gone:1", door=Door.WORKER)
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    return run


def test_a_failure_is_told_to_who_asked_and_to_who_administers_the_task(
    ask, work, credit, administrator, alice, root
):
    credit.behave = refuse
    work(ask("50.00"))
    assert people_told("run_failed") == ["alice", "carol"]
    assert told(alice, "run_failed") == ["Failed: “Test credit: 50.00 USD”. The card is closed."]


def test_who_administers_the_task_by_a_group_is_told(ask, work, credit, task, approvers, bob):
    set_right(task, Right.CHANGE, to=approvers)
    credit.behave = refuse
    work(ask("50.00"))
    assert "bob" in people_told("run_failed")


def test_a_run_nobody_knows_about_is_told(administrator, uncertain):
    assert people_told("run_uncertain") == ["alice", "carol"]


def test_a_lost_worker_is_told_when_nobody_knows_how_far_it_came(lost, alice):
    recover_lost_runs(door=Door.SCHEDULE)
    assert people_told("run_uncertain") == ["alice", "carol"]
    assert "The worker stopped while this was running" in told(alice, "run_uncertain")[0]


def test_a_lost_worker_is_told_when_the_run_goes_on(lost, idempotent):
    recover_lost_runs(door=Door.SCHEDULE)
    assert people_told("run_lost") == ["alice", "carol"]


def test_a_success_is_told_to_who_had_to_wait_for_others(ask, approve, work, alice):
    run = ask("150.00")
    approve(run)
    work(run)
    assert told(alice, "run_succeeded") == ["Succeeded: “Test credit: 150.00 USD”"]


def test_a_success_without_approval_is_told_to_nobody_and_costs_nothing(ask, credit):
    run = ask("50.00")
    with CaptureQueriesContext(connection) as statements:
        execute(str(run.pk))
    assert not [q for q in statements if "approvals_notification" in q["sql"]]
    assert not Notification.objects.exists()


def test_a_run_that_somebody_else_takes_back_is_told(ask, administrator, alice):
    cancel_run(ask("50.00").pk, by=administrator, door=Door.ADMIN, reason="Wrong account")
    assert people_told("run_cancelled") == ["alice"]


def test_what_one_takes_back_oneself_is_not_told(ask, alice):
    cancel_run(ask("50.00").pk, by=alice, door=Door.ADMIN)
    assert not Notification.objects.exists()


def test_twice_uncertain_is_told_twice(uncertain, resolve, idempotent, work, used_up, alice):
    work(resolve(uncertain, "again"))
    assert len(told(alice, "run_uncertain")) == 2


def test_a_resolution_is_told_once_and_not_to_who_resolved(uncertain, resolve, alice):
    resolve(uncertain, "did_not")
    assert people_told("run_resolved") == ["alice"]
    assert people_told("run_failed") == []
