"""A task of our own: a credit that writes down each time its function is called."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import pytest
from django.db.models.functions import Now

from approvals import actions as approvals
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, look_up, request_run, resolve_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import OutcomeUnknown
from tasks.declaration.look_up import Found
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import Run, Task
from tasks.outputs import Change
from tasks.parameters import Money, Param
from tasks.worker.execution import execute
from tasks.worker.task_run import TaskRun

Amount = Annotated[Money, Param(min="0.01", max=5000)]


class Credit:
    """The task's function, with a list of its calls and a way to make it misbehave."""

    def __init__(self) -> None:
        self.calls: list[Money] = []
        self.behave: Callable[[TaskRun], Any] = lambda run: {"Credited": "yes"}
        self.registered: RegisteredTask

    def run(self, run: TaskRun, amount: Amount) -> Any:
        """Give a customer a credit."""
        self.calls.append(amount)
        run.log(f"Crediting {amount}")
        return self.behave(run)

    def preview(self, amount: Money) -> list[Change]:
        return [Change("Balance", "10.00 USD", f"{amount.amount + 10} {amount.currency}")]


@pytest.fixture
def credit(db) -> Iterator[Credit]:
    fake = Credit()
    fake.registered = RegisteredTask(
        slug="test-credit",
        name="Test credit",
        category="Tests",
        owner="Testers",
        description="Give a customer a credit.",
        function=fake.run,
        preview=fake.preview,
        approval=(Approval("amount > 100", groups=["Approvers"], name="Credits above 100"),),
        source_hash="1" * 64,
    )
    with registry.temporarily(fake.registered):
        adopt_task(fake.registered)
        yield fake


@pytest.fixture
def task(credit, alice, bob, carol, dave, approvers) -> Task:
    """Alice may run it, Dave may see it, Bob and Carol decide what is above 100."""
    row = Task.objects.get(slug="test-credit")
    set_right(row, Right.EXECUTE, to=alice)
    set_right(row, Right.VIEW, to=dave)
    return row


@pytest.fixture
def ask(task, alice):
    def ask_for(amount="150.00", *, by=None, reason="The parcel was late", **values) -> Run:
        return request_run(
            task.pk,
            requested_by=by or alice,
            door=Door.ADMIN,
            values={"amount": amount, "amount_currency": "USD"} | values,
            reason=reason,
        )

    return ask_for


@pytest.fixture
def approve(bob):
    def approve_it(run: Run, by=None, verdict="approve", reason="") -> None:
        assert run.approval_id
        approvals.decide(
            run.approval_id,
            decided_by=by or bob,
            verdict=verdict,
            seal=run.seal,
            door=Door.ADMIN,
            reason=reason,
        )
        run.refresh_from_db()

    return approve_it


@pytest.fixture
def work():
    """Do what a worker does with a run's id, in this process."""

    def work_on(run: Run) -> Run:
        execute(str(run.pk))
        run.refresh_from_db()
        return run

    return work_on


@pytest.fixture
def deploy(credit):
    """Put changed code behind the task, and record it unless `migrate` is still to come."""

    def deploy_it(*, recorded: bool = True, **changes: object) -> None:
        registry._tasks["test-credit"] = replace(credit.registered, **changes)
        if recorded:
            adopt_task(registry.get("test-credit"))

    return deploy_it


# --- Uncertain runs -------------------------------------------------------------------------------


@pytest.fixture
def administrator(task, carol):
    set_right(task, Right.CHANGE, to=carol)
    return carol


def without_answer(*, same_key: bool) -> Callable[[TaskRun], Any]:
    def no_answer(key):
        raise OutcomeUnknown("No answer came.", same_key=same_key)

    return lambda run: run.once("pay", no_answer)


@pytest.fixture
def uncertain(ask, work, credit) -> Run:
    """A run that sent something and had no answer."""
    credit.behave = without_answer(same_key=True)
    run = work(ask("50.00"))
    assert run.status == Run.Status.UNCERTAIN
    return run


@pytest.fixture
def used_up(uncertain, credit) -> None:
    """From now on the other side repeats an error that it has saved under the key."""
    credit.behave = without_answer(same_key=False)


@pytest.fixture
def resolve(administrator):
    def resolve_it(
        run, finding, *, by=administrator, reason="Looked at the provider's page", look=None
    ):
        resolve_run(run.pk, finding=finding, by=by, door=Door.ADMIN, reason=reason, look=look)
        run.refresh_from_db()
        return run

    return resolve_it


@pytest.fixture
def idempotent(task):
    type(task).objects.filter(pk=task.pk).update(idempotent=True)


@pytest.fixture
def shows(credit, deploy):
    """Say what the other side shows of each step from now on."""

    def show(*, happened, what="The provider was asked.", answer=None, **facts):
        deploy(recorded=False, look_up=lambda sent, amount: Found(what, happened, facts, answer))

    return show


@pytest.fixture
def look(administrator):
    """Look it up, as Carol does."""
    return lambda run, by=administrator: look_up(run.pk, by=by, door=Door.ADMIN)


@pytest.fixture
def over(uncertain):
    """The time of the last attempt is over: nothing of it is under way any more."""
    Run.objects.filter(pk=uncertain.pk).update(started_at=Now() - timedelta(hours=1))
