"""What was checked before a run of the same thing ended is checked again before it is taken."""

from typing import Annotated

import pytest
from django.core.exceptions import ValidationError

from audit.context import Door
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import InvalidValues, adopt_task, finish_run, request_run, start_run
from tasks.actions.changes.grants import set_right
from tasks.actions.runs.lifecycle import Outcome
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run, StoredFile, Task
from tasks.outputs import Change
from tasks.parameters import Param
from tasks.runs import concurrency
from tasks.runs.concurrency import Taken
from tests.interleaving import two_lanes
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

Person = Annotated[User, Param(search=("username",))]


def times_paid(whom: User) -> int:
    """What the books of this test say."""
    return StoredFile.objects.filter(content=whom.username.encode()).count()


def not_paid_yet(whom: User) -> None:
    if times_paid(whom):
        raise ValidationError("This person was paid already.")


def what_it_pays(whom: User) -> list[Change]:
    return [Change("Times paid", times_paid(whom), times_paid(whom) + 1)]


def pay(whom: Person) -> None:
    """Pays somebody, once."""
    StoredFile.objects.create(sha256=f"{whom.pk:064}", content=whom.username.encode())


@pytest.fixture
def task(alice):
    registered = RegisteredTask(
        slug="pay-once",
        name="Pay once",
        category="Tests",
        owner="Testers",
        description="Pays somebody, once.",
        function=pay,
        validate=not_paid_yet,
        preview=what_it_pays,
        one_open_per=("whom",),
        source_hash="4" * 64,
    )
    with registry.temporarily(registered):
        adopt_task(registered)
        row = Task.objects.get(slug="pay-once")
        set_right(row, Right.EXECUTE, to=alice)
        yield row


@pytest.fixture
def ask(task, alice):
    def ask_for(whom: User) -> Run:
        return request_run(
            task.pk, requested_by=alice, door=Door.ADMIN, values={"whom": whom.pk}, reason=""
        )

    return ask_for


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(concurrency, "PATIENCE", 0)


def do(run: Run, whom: User) -> None:
    """What a worker does, after the claim."""
    pay(whom)
    finish_run(run.pk, attempt=1, outcome=Outcome(Run.Status.SUCCEEDED), door=Door.WORKER)


def test_a_request_that_was_checked_before_a_like_run_ended_is_never_taken_after_it(ask):
    """The first is open, the second is held after each of its statements while the first ends."""

    def second(whom: User) -> str:
        try:
            return f"accepted, with the preview {ask(whom).preview}"
        except (Taken, InvalidValues):
            return "refused"

    with two_lanes() as lanes:
        for after in range(1, lanes.statements_of(lambda: ask(person("Nobody")))):
            whom = person(f"P{after}")
            first = ask(whom)
            assert start_run(first.pk, worker="test:1", door=Door.WORKER)
            became, _ = lanes.meet(
                lambda p=whom: second(p), lambda r=first, p=whom: do(r, p), after=after
            )
            assert became == "refused", f"held after {after} statements"
            assert times_paid(whom) == 1
