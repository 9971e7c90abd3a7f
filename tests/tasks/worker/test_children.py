"""A task calls a task: as a run with rights, rules and an approval of its own, and in no other way."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from tasks.access.rights import Right
from tasks.actions import adopt_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Busy
from tasks.declaration.registry import registry
from tasks.models import Run, Task, TaskUserPermission
from tests.tasks.admin.reading import signed_in, url, words

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.fixture
def grant(credit, task, alice):
    """A second task, which Alice may request, and which the first calls."""
    second = replace(credit.registered, slug="test-grant", name="Test grant", source_hash="2" * 64)
    with registry.temporarily(second):
        adopt_task(second)
        row = Task.objects.get(slug="test-grant")
        set_right(row, Right.EXECUTE, to=alice)
        yield row


def calls(amount: str, **more):
    def call(run):
        child = run.task("test-grant", amount=amount, amount_currency="USD", **more)
        return {"Child": str(child.id), "Status": child.status}

    return call


def test_a_called_task_waits_for_its_own_approval_and_both_runs_name_each_other(
    ask, work, credit, grant, approve, alice
):
    credit.behave = calls("150.00")
    run = work(ask("50.00"))
    assert run.status == Status.SUCCEEDED, run.error + run.traceback
    (child,) = run.called.all()
    assert (child.status, child.requested_by, child.door) == (
        Status.AWAITING_APPROVAL,
        alice,
        "task",
    )
    assert (child.reason, child.preview[0][0]) == ("The parcel was late", "Balance")
    assert ["Requested by the run", run.headline] in child.approval.shown["facts"]
    client = signed_in(alice)
    assert f"It requested {child} (awaiting approval)." in words(
        client.get(url("tasks_run_change", run.pk))
    )
    assert f"Requested by {run}" in words(client.get(url("tasks_run_change", child.pk)))
    approve(child)
    credit.behave = lambda run: None
    assert work(child).status == Status.SUCCEEDED


def test_a_later_attempt_finds_the_run_that_is_there(ask, work, credit, task, grant):
    Task.objects.filter(pk=task.pk).update(idempotent=True)

    def busy_after(run):
        calls("20.00")(run)
        raise Busy("Try again.")

    credit.behave = busy_after
    run = work(ask("50.00"))
    Run.objects.filter(pk=run.pk).update(due_at=Now())
    credit.behave = calls("20.00")
    assert work(run).status == Status.SUCCEEDED
    assert run.called.count() == 1
    credit.behave = calls("20.00", step="second")
    assert work(ask("50.00")).called.count() == 1


@pytest.mark.parametrize(
    ("amount", "right", "said"),
    [
        ("20.00", Right.VIEW, "“Test grant” could not be requested: "),
        ("5000.01", Right.EXECUTE, "“Test grant” could not be requested: amount:"),
    ],
)
def test_what_the_requester_may_not_ask_for_is_refused(
    ask, work, credit, grant, alice, amount, right, said
):
    TaskUserPermission.objects.filter(content_object=grant).delete()
    set_right(grant, right, to=alice)
    credit.behave = calls(amount)
    run = work(ask("50.00"))
    assert (run.status, said in run.error) == (Status.FAILED, True), run.error
    assert not run.called.exists()


def test_runs_that_call_each_other_end(ask, work, credit, grant):
    credit.behave = calls("20.00")
    run = work(ask("50.00"))
    for _ in range(5):
        run = work(run.called.get())
    assert (run.status, run.error[:14]) == (Status.FAILED, "At most 5 runs")


def test_the_function_of_a_task_is_not_called_from_a_run(ask, work, credit, registered_function):
    credit.behave = lambda run: registered_function(customer=1)
    run = work(ask("50.00"))
    assert (run.status, run.error) == (
        Status.FAILED,
        "“make-admin” is a task of its own, with its own rights and approval, and was called like a "
        'function. Write run.task("make-admin", customer=...); or move what both need into a '
        "function that is no task.",
    )
    assert registered_function(customer=1) == "done"  # by a test, say


@pytest.fixture
def registered_function():
    with registry.temporarily():

        def make_admin(run: object = None, customer: int = 0) -> str:
            """Makes somebody an administrator."""
            return "done"

        yield registry.task(name="Make admin", category="Tests", owner="Testers")(make_admin)


def test_nobody_writes_down_another_caller(ask, work, credit, grant):
    credit.behave = calls("20.00")
    run = work(ask("50.00"))
    other = ask("10.00")
    for change in ({"called_by": other}, {"called_by": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(called_by=run).update(**change)
    child = run.called.get()
    child.pk, child.form_token, child.called_by = None, "", other
    child._state.adding = True
    with pytest.raises(IntegrityError, match="while that one runs"), transaction.atomic():
        child.save()
