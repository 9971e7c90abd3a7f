"""Runs for the same thing: the second waits, or is refused."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django_q.models import OrmQ

from audit.context import Door
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import adopt_task, cancel_run, enqueue_again, finish_run, request_run, start_run
from tasks.actions.changes.grants import set_right
from tasks.actions.runs.lifecycle import Outcome
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import Run, Task
from tasks.parameters import Param
from tasks.runs import concurrency
from tasks.runs.concurrency import LONGEST_KEY, Taken, ahead_of, hold, key_of
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
ROUNDS = 20

Person = Annotated[User, Param(search=("username",))]


def pay_out(whom: Person, note: str = "", day: int | None = None) -> None:
    """Pays somebody."""


@pytest.fixture
def registered():
    return RegisteredTask(
        slug="pay-out",
        name="Pay out",
        category="Tests",
        owner="Testers",
        description="Pays somebody.",
        function=pay_out,
        source_hash="3" * 64,
        approval=(Approval('note == "large"', groups=["Approvers"]),),
    )


@pytest.fixture
def known(registered, alice, approvers, bob):
    """Puts such a task into the catalogue, with alice to run it."""

    def make(**limits: tuple[str, ...]) -> Task:
        declared = replace(registered, **limits)
        registry._tasks[declared.slug] = declared
        adopt_task(declared)
        task = Task.objects.get(slug=declared.slug)
        set_right(task, Right.EXECUTE, to=alice)
        return task

    with registry.temporarily():
        yield make


@pytest.fixture
def pay(alice):
    def ask(task: Task, whom: User, **values: object) -> Run:
        return request_run(
            task.pk,
            requested_by=alice,
            door=Door.ADMIN,
            values={"whom": whom.pk, **values},
            reason="They wait for it",
        )

    return ask


@pytest.fixture
def waits(known):
    return known(one_running_per=("whom",))


@pytest.fixture
def refuses(known):
    return known(one_open_per=("whom",))


def claim(run: Run) -> Run | None:
    return start_run(run.pk, worker="test:1", door=Door.WORKER)


def finish(run: Run, status: Run.Status = Status.SUCCEEDED, *, repeat: bool = False) -> None:
    outcome = Outcome(status, error="", repeat=repeat)
    finish_run(run.pk, attempt=run.attempt, outcome=outcome, door=Door.WORKER)


def rung_for() -> list[str]:
    return [str(message.task["args"][0]) for message in OrmQ.objects.order_by("pk")]


@contextmanager
def held_by_a_request(key: str) -> Iterator[None]:
    """Somebody requests a run with this key, and their author's code takes its time."""
    held, over = threading.Event(), threading.Event()

    def request() -> None:
        try:
            with transaction.atomic():
                hold(key)
                held.set()
                over.wait(5)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        requesting = pool.submit(request)
        assert held.wait(5)
        try:
            yield
        finally:
            over.set()
        requesting.result(5)


# --- The key -------------------------------------------------------------------------------------


def test_an_object_is_its_own_key_in_every_task(registered):
    whom = {"label": "Carol", "model": "backoffice.user", "pk": "7"}
    for slug in ("pay-out", "other"):
        declared = replace(registered, slug=slug, one_open_per=("whom",))
        assert key_of(declared, {"whom": whom}) == "backoffice.user:7"


def test_other_values_mean_the_same_in_one_task_only(registered):
    declared = replace(registered, one_running_per=("note", "day"))
    assert key_of(declared, {"note": "rent", "day": 3}) == 'pay-out:note="rent",day=3'


def test_without_a_value_nothing_is_excluded(registered):
    declared = replace(registered, one_running_per=("day",))
    assert key_of(declared, {"day": None}) == ""
    assert key_of(registered, {"day": 3}) == ""


def test_long_keys_that_begin_alike_differ(registered):
    declared = replace(registered, one_running_per=("note",))
    one, other = (key_of(declared, {"note": "x" * 500 + end}) for end in "ab")
    assert one != other
    assert len(one) == len(other) == LONGEST_KEY


# --- The second waits ----------------------------------------------------------------------------


def test_the_second_run_waits_for_the_first(waits, pay, carol):
    first, second = pay(waits, carol), pay(waits, carol)
    running = claim(first)
    assert running
    assert claim(second) is None
    assert ahead_of(second) == first
    finish(running)
    assert claim(second)


def test_a_run_for_somebody_else_does_not_wait(waits, pay, carol, dave):
    assert claim(pay(waits, carol))
    assert claim(pay(waits, dave))


def test_the_end_of_the_first_rings_for_the_oldest_that_waits(waits, pay, carol):
    running = claim(pay(waits, carol))
    second, _third = pay(waits, carol), pay(waits, carol)
    OrmQ.objects.all().delete()
    finish(running)
    assert rung_for() == [str(second.pk)]


def test_nobody_overtakes(waits, pay, carol):
    running, second, third = claim(pay(waits, carol)), pay(waits, carol), pay(waits, carol)
    finish(running)
    assert claim(third) is None
    assert claim(second)


def test_one_that_is_cancelled_while_it_waits_lets_the_next_go(waits, pay, carol, alice):
    running, second, third = claim(pay(waits, carol)), pay(waits, carol), pay(waits, carol)
    finish(running)
    OrmQ.objects.all().delete()
    cancel_run(second.pk, by=alice, door=Door.ADMIN)
    assert rung_for() == [str(third.pk)]
    assert claim(third)


def test_one_that_waits_for_its_next_attempt_keeps_its_place(waits, pay, carol):
    Task.objects.filter(pk=waits.pk).update(idempotent=True)
    first, second = pay(waits, carol), pay(waits, carol)
    running = claim(first)
    finish(running, Status.UNCERTAIN, repeat=True)
    OrmQ.objects.all().delete()
    assert claim(second) is None
    Run.objects.update(rung_at=Now() - timedelta(hours=1))
    assert enqueue_again(door=Door.SCHEDULE) == 0  # neither due, nor its turn
    Run.objects.filter(pk=first.pk).update(due_at=Now())
    assert enqueue_again(door=Door.SCHEDULE) == 1
    assert rung_for() == [str(first.pk)]


def test_an_uncertain_run_does_not_hold_up_those_that_wait(waits, pay, carol):
    running, second = claim(pay(waits, carol)), pay(waits, carol)
    finish(running, Status.UNCERTAIN)
    assert claim(second)


def test_two_runs_of_one_key_never_run_at_once(waits, pay, carol):
    for _ in range(ROUNDS):
        pair = [pay(waits, carol), pay(waits, carol)]
        claims = at_once(*(lambda r=run: claim(r) for run in pair))
        assert sorted(type(c).__name__ for c in claims) == ["NoneType", "Run"]
        for run in pair:
            started = Run.objects.filter(pk=run.pk, status=Status.RUNNING).first() or claim(run)
            finish(started)


def test_whoever_waits_is_rung_for_even_if_it_comes_at_the_same_instant(waits, pay, carol):
    """The end of one and the claim of the next cross: one of the two sees the other."""
    for _ in range(ROUNDS):
        running, second = claim(pay(waits, carol)), pay(waits, carol)
        OrmQ.objects.all().delete()
        _, claimed = at_once(lambda r=running: finish(r), lambda r=second: claim(r))
        assert claimed or rung_for() == [str(second.pk)]
        finish(claimed or claim(second))


def test_no_worker_waits_for_who_requests_the_same(waits, pay, carol, monkeypatch):
    """Neither to end a run nor to begin one; the next sweep rings for whose turn it is."""
    monkeypatch.setattr(concurrency, "PATIENCE", 0)
    running, second = claim(pay(waits, carol)), pay(waits, carol)
    with held_by_a_request(second.concurrency_key):
        OrmQ.objects.all().delete()
        finish(running)
        assert Run.objects.get(pk=running.pk).status == Status.SUCCEEDED
        assert rung_for() == []
        assert enqueue_again(door=Door.SCHEDULE) == 1
        assert claim(second) is None
        assert enqueue_again(door=Door.SCHEDULE) == 1
    assert rung_for() == [str(second.pk)] * 2
    assert claim(second)


def test_the_database_refuses_a_second_running_run(waits, pay, carol):
    claim(pay(waits, carol))
    second = pay(waits, carol)
    with pytest.raises(IntegrityError, match="one_run_at_a_time"):
        Run.objects.filter(pk=second.pk).update(
            status=Status.RUNNING, worker="w", started_at=Now(), lease_until=Now()
        )


# --- The second is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("note", ["", "large"], ids=["queued", "awaiting approval"])
def test_a_second_request_is_refused_and_names_the_first(refuses, pay, carol, note):
    first = pay(refuses, carol, note=note)
    with pytest.raises(Taken, match="already an open run for the same whom") as refused:
        pay(refuses, carol)
    assert refused.value.by == first
    assert Run.objects.count() == 1


def test_an_uncertain_run_is_still_open(refuses, pay, carol):
    finish(claim(pay(refuses, carol)), Status.UNCERTAIN)
    with pytest.raises(Taken, match="Outcome unknown"):
        pay(refuses, carol)


@pytest.mark.parametrize("ended", [Status.SUCCEEDED, Status.FAILED])
def test_after_its_end_the_same_can_be_asked_for_again(refuses, pay, carol, ended):
    finish(claim(pay(refuses, carol)), ended)
    assert pay(refuses, carol).status == Status.QUEUED


def test_of_two_requests_at_the_same_instant_one_passes(refuses, pay, carol, alice):
    for _ in range(ROUNDS):
        asked = at_once(lambda: pay(refuses, carol), lambda: pay(refuses, carol))
        assert sorted(type(a).__name__ for a in asked) == ["Run", "Taken"]
        (run,) = Run.objects.filter(status=Status.QUEUED)
        cancel_run(run.pk, by=alice, door=Door.ADMIN)
