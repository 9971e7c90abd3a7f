"""A house in which everything has happened once, and a hand that can break any of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection as django_connection
from django.db.models.functions import Now
from psycopg.conninfo import make_conninfo

from approvals import actions as approvals
from audit.context import Door
from audit.database.clock import database_now
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import (
    Finding,
    RuleSpec,
    break_glass,
    cancel_run,
    propose_delegate,
    propose_rule,
    request_run,
    resolve_run,
    start_run,
)
from tasks.actions.changes.grants import set_right
from tasks.actions.stops import propose_start
from tasks.contrib import stripe_payments
from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.errors import Busy, OutcomeUnknown
from tasks.declaration.limits import Limits
from tasks.declaration.registry import registry
from tasks.models import Run, Stop
from tests.checker.evidence import Connection, Evidence, Ledger, ledger_at
from tests.checker.report import check
from tests.doubles.stripe import StripeDouble
from tests.fixtures.at_double import stripe_at_double
from tests.people import join, person
from tests.tasks.conftest import approve, ask, credit, task, work

__all__ = ["approve", "ask", "credit", "task", "work"]


APP_ROLE = "backoffice_app"
PASSWORD = "a-password-of-alices-own"


@dataclass
class House:
    """The ids of its runs by what happened to them, and the double that moved its money."""

    runs: dict[str, UUID]
    double: StripeDouble

    @property
    def ledger(self) -> Ledger:
        return ledger_at(self.double.url)

    def key(self, name: str) -> str:
        """The key of the one step of a run."""
        run = Run.objects.get(pk=self.runs[name])
        return run.effects.get().key


@pytest.fixture
def double() -> Iterator[StripeDouble]:
    with stripe_at_double() as double:
        yield double


@pytest.fixture
def house(double, task, ask, approve, work, credit, alice, carol) -> House:
    """Made by the product's own actions, like everything in it."""
    type(task).objects.filter(pk=task.pk).update(idempotent=True)
    set_right(task, Right.CHANGE, to=carol)
    runs = {"small": work(ask("50.00"))}
    runs["paid"] = _paid(double, ask, approve, work, credit)
    runs |= _tried_again(ask, work, credit)
    runs |= _left_to_a_person(ask, work, credit, carol)
    runs |= _never_run(ask, approve, alice, task)
    runs |= _paused(ask, approve, work, credit)
    runs["running"] = ask("60.00")
    start_run(runs["running"].pk, worker="here:1", door=Door.WORKER)
    runs["stopping"] = ask("70.00")
    start_run(runs["stopping"].pk, worker="here:2", door=Door.WORKER)
    cancel_run(runs["stopping"].pk, by=alice, door=Door.ADMIN, reason="Not needed")
    _changed_rule(task, carol)
    runs["in place"] = _approved_in_place(ask, work, credit)
    runs["by right"] = _approved_by_right(ask, work, credit, alice, task)
    runs["emergency"] = _in_an_emergency(ask, credit, alice)
    _started_again(carol)
    return House({name: run.pk for name, run in runs.items()}, double)


def _changed_rule(task, carol) -> None:
    """A rule that Carol proposed and another administrator agreed to."""
    set_right(task, Right.CHANGE, to=(erin := person("Erin")))
    spec = RuleSpec("Very large ones", "amount > 4000", people=[erin])
    proposed_change = propose_rule(
        task.pk, spec=spec, by=carol, door=Door.ADMIN, reason="Too large"
    )
    asked = proposed_change.approval
    assert asked
    _agree(asked, erin)


def _approved_in_place(ask, work, credit) -> Run:
    """Approved by who stands in for Bob, who is away."""
    mia = person("Mia", is_superuser=True)
    bob, dave = (User.objects.get(username=name) for name in ("bob", "dave"))
    starts_at = database_now()
    away = propose_delegate(
        bob,
        dave,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=7),
        by=bob,
        door=Door.ADMIN,
        reason="On holiday",
    )
    assert away.approval
    _agree(away.approval, mia)
    run: Run = ask("160.00")
    assert run.approval
    _agree(run.approval, dave)
    credit.behave = lambda task_run: None
    work(run)
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run


def _approved_by_right(ask, work, credit, alice, task) -> Run:
    """Requested by who may not run it, approved by who may."""
    set_right(task, Right.REQUEST, to=(zoe := person("Zoe")))
    run: Run = ask("55.00", by=zoe)
    assert run.approval
    _agree(run.approval, alice)
    credit.behave = lambda task_run: None
    work(run)
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run


def _in_an_emergency(ask, credit, alice) -> Run:
    """Without approval, and who did it has taken the review back: its task is stopped."""
    glass = BreakGlass("On call", per_day=1)
    registry._tasks["test-credit"] = replace(credit.registered, break_glass=glass)
    join(alice, Group.objects.get_or_create(name=glass.group)[0])
    alice.set_password(PASSWORD)
    alice.save()
    approvals.prove_by_password(alice, PASSWORD, session="a session", door=Door.ADMIN)
    run: Run = ask("170.00")
    emergency = break_glass(
        run.pk, by=alice, door=Door.ADMIN, reason="It cannot wait", session="a session"
    )
    registry._tasks["test-credit"] = credit.registered
    approvals.withdraw(emergency.review_id, by=alice, door=Door.ADMIN)
    return run


def _started_again(carol) -> None:
    asked = propose_start(Stop.objects.get().pk, by=carol, door=Door.ADMIN, reason="Looked at it")
    _agree(asked, User.objects.get(username="erin"))


def _agree(asked, by) -> None:
    approvals.decide(asked.pk, decided_by=by, verdict="approve", seal=asked.seal, door=Door.ADMIN)


def _paid(double, ask, approve, work, credit) -> Run:
    payment = double.seed_payment(amount=15000)
    run: Run = ask("150.00")
    approve(run)
    credit.behave = lambda task_run: task_run.once(
        "refund",
        lambda key: stripe_payments.refund(
            payment, credit.calls[-1], key=key, reason="requested_by_customer"
        ),
    )
    work(run)
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run


def _tried_again(ask, work, credit) -> dict[str, Run]:
    credit.behave = _raising(Busy("Later."))
    run = work(ask("20.00"))
    Run.objects.filter(pk=run.pk).update(due_at=Now() - timedelta(seconds=1))
    credit.behave = lambda task_run: None
    assert work(run).attempt == 2
    return {"tried twice": run}


def _paused(ask, approve, work, credit) -> dict[str, Run]:
    """One of two items has run; of one run somebody has looked at it, and let it go on."""
    registry._tasks["test-credit"] = replace(credit.registered, limits=Limits(first=1))
    credit.behave = lambda run: run.write_each("item", "ab", str, key=str)
    runs = {name: ask("150.00") for name in ("paused", "gone on")}
    registry._tasks["test-credit"] = credit.registered
    for run in runs.values():
        approve(run)
        assert work(run).status == Run.Status.PAUSED
    look = runs["gone on"].pauses.get().approval
    decider = runs["gone on"].approval.decisions.get().decided_by
    _agree(look, decider)
    assert work(runs["gone on"]).status == Run.Status.SUCCEEDED
    return runs


def _left_to_a_person(ask, work, credit, carol) -> dict[str, Run]:
    silence = _raising(OutcomeUnknown("No answer.", same_key=False))
    credit.behave = lambda task_run: task_run.once("pay", lambda key: silence(task_run))
    runs = {name: work(ask("50.00")) for name in ("uncertain", "it happened", "it did not")}
    for name, finding in (("it happened", Finding.HAPPENED), ("it did not", Finding.DID_NOT)):
        resolve_run(runs[name].pk, finding=finding, by=carol, door=Door.ADMIN, reason="Looked")
    return runs


def _never_run(ask, approve, alice, task) -> dict[str, Run]:
    names = ("awaiting", "rejected", "withdrawn")
    runs = {name: ask("150.00") for name in names} | {"expired": _out_of_time(task, alice)}
    approve(runs["rejected"], verdict="reject", reason="No")
    approvals.withdraw(runs["withdrawn"].approval_id, by=alice, door=Door.ADMIN)
    approvals.expire_due(door=Door.SCHEDULE)
    runs |= {"queued": ask("30.00"), "cancelled": ask("40.00")}
    cancel_run(runs["cancelled"].pk, by=alice, door=Door.ADMIN)
    return runs


def _out_of_time(task, alice) -> Run:
    return request_run(
        task.pk,
        requested_by=alice,
        door=Door.ADMIN,
        values={"amount": "150.00", "amount_currency": "USD"},
        reason="Too late",
        waits_for=timedelta(0),
    )


def _raising(error: Exception) -> Callable[[object], None]:
    def behave(_: object) -> None:
        raise error

    return behave


@pytest.fixture
def address() -> str:
    """Of the test database, for the owner of its tables."""
    database = str(django_connection.settings_dict["NAME"])
    server = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    return make_conninfo(server, dbname=database)


class Hand:
    """Breaks things in a transaction that is rolled back, and looks at them inside it."""

    def __init__(self, connection: Connection, house: House) -> None:
        self.connection = connection
        self.house = house
        self.values: dict[str, UUID | None] = {}
        for name, run in house.runs.items():
            name = name.replace(" ", "_")
            self.values[name] = run
            self.values[f"{name}_request"] = Run.objects.get(pk=run).approval_id

    def breaks(self, *statements: LiteralString) -> None:
        """Write as the owner of the tables can: with their triggers off, for the time of it."""
        with unguarded(self.connection):
            for statement in statements:
                self.tells(statement)

    def tells(self, statement: LiteralString) -> None:
        """Run one statement. %(name)s is the id of a run, %(name_request)s of its request."""
        self.connection.execute(statement, self.values)

    def undo(self) -> None:
        self.connection.rollback()

    def finds(self, ledger: Ledger | None = None) -> dict[str, list[str]]:
        ledger = self.house.ledger if ledger is None else ledger
        return check(Evidence(self.connection, ledger, ledger, app_role=APP_ROLE))


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    guards = connection.execute(
        "SELECT format('ALTER TABLE %s', tgrelid::regclass), quote_ident(tgname)"
        " FROM pg_trigger WHERE tgenabled = 'A'"
    ).fetchall()
    for table, guard in guards:
        connection.execute(f"{table} DISABLE TRIGGER {guard}".encode())
    yield
    # A table with constraints still to be checked cannot be altered.
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, guard in guards:
        connection.execute(f"{table} ENABLE ALWAYS TRIGGER {guard}".encode())


@pytest.fixture
def hand(house, address) -> Iterator[Hand]:
    with psycopg.connect(address) as connection:
        there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if not there.fetchone():
            connection.execute("CREATE ROLE backoffice_app")
        connection.commit()
        hand = Hand(connection, house)
        yield hand
        hand.undo()
