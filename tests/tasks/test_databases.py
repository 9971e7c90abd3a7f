"""A second database: nothing that is promised of the product's own holds for it by accident, or fails to."""

import inspect
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now

from audit.context import Door
from tasks.actions import InvalidValues, begin_effect, recover_lost_runs
from tasks.databases import rolled_back
from tasks.models import Effect, Run
from tasks.outputs import Change
from tasks.worker import heartbeat
from tests.tasks.actions.test_lost_runs import due
from tests.tasks.parameters.test_rows import Payout, look_up_with, some

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


class Billing:
    """One invoice of 20 in a database of its own, as far as connections and transactions tell."""

    def pay(self, amount: int = 21) -> str:
        with connections["billing"].cursor() as cursor:
            cursor.execute("UPDATE billing.invoice SET amount = %s", [amount])
        return "paid"

    @property
    def amount(self) -> int:
        """What others see, by another connection."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT amount FROM billing.invoice")
            return cursor.fetchone()[0]


@pytest.fixture
def another(transactional_db, monkeypatch) -> Iterator[None]:
    """Databases beside the product's own: one of the same server, one that is away, one of another kind."""
    # Django's tests refuse a database that was not named before they began.
    around = inspect.getclosurevars(BaseDatabaseWrapper.ensure_connection).nonlocals
    real = around["real_ensure_connection"]
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", real)
    ours = connections["default"].settings_dict
    more = {
        "billing": ours,
        "away": ours | {"HOST": "/nowhere", "OPTIONS": {}},
        "lite": {**ours, "ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": {}},
    }
    connections.settings.update({name: dict(each) for name, each in more.items()})
    yield
    for name in more:
        connections[name].close()
        del connections[name]
        del connections.settings[name]


@pytest.fixture
def billing(another) -> Iterator[Billing]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA billing CREATE TABLE invoice (amount int)")
        cursor.execute("INSERT INTO billing.invoice VALUES (20)")
    yield Billing()
    connections["billing"].close()
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA billing CASCADE")


# --- Previews and look-ups ------------------------------------------------------------------------


def in_a_transaction_of_its_own(billing: Billing) -> None:
    with transaction.atomic(using="billing"):
        billing.pay()
        transaction.on_commit(lambda: billing.pay(99), using="billing")


@pytest.mark.parametrize("way", [Billing.pay, in_a_transaction_of_its_own])
def test_a_preview_that_does_the_very_thing_there_changes_nothing(ask, deploy, billing, way):
    def preview(amount):
        way(billing)
        with connections["billing"].cursor() as cursor:
            cursor.execute("SELECT amount FROM billing.invoice")
            return [Change("Invoice", 20, cursor.fetchone()[0])]

    deploy(preview=preview)
    assert ask("150.00").preview == [["Invoice", "20", "21"]]
    assert billing.amount == 20
    billing.pay(22)  # and afterwards it is a connection like any other
    assert billing.amount == 22


@pytest.mark.parametrize(
    ("alias", "statement", "why"),
    [
        ("billing", "COMMIT", "ended the transaction in “billing”"),
        ("default", "SELECT 1; /* so */ commit", "ended the transaction in “default”"),
        ("lite", "SELECT 1", "“lite” is not PostgreSQL"),
    ],
)
def test_what_cannot_be_undone_is_refused_with_a_sentence(
    ask, deploy, billing, alias, statement, why
):
    def preview(amount):
        if alias == "billing":
            billing.pay()
        with connections[alias].cursor() as cursor:
            cursor.execute(statement)

    deploy(preview=preview)
    with pytest.raises(InvalidValues, match=why):
        ask("150.00")
    assert billing.amount == 20


def test_a_database_that_nobody_uses_may_be_away(ask, deploy, billing):
    seen = []

    def preview(amount):
        billing.pay()
        for _ in range(2):  # one that cannot be reached stays guarded
            with suppress(DatabaseError):
                connections["away"].cursor()
        seen.append(type(connections["away"]).__name__)
        return [Change("Invoice", 20, 21)]

    assert ask("50.00").status == Status.QUEUED
    deploy(preview=preview)
    assert ask("50.00").status == Status.QUEUED
    assert (billing.amount, seen) == (20, ["SimpleLazyObject"])


def test_a_look_up_of_rows_changes_nothing_there(billing):
    def finds(least: int) -> list[Payout]:
        billing.pay()
        return some(least)

    form = look_up_with(finds)
    (said,) = form.errors["payouts"]
    assert "could not be looked up. Nothing may be written to “billing” here." in said
    assert billing.amount == 20


def test_a_frame_within_a_frame_is_left_as_it_was_entered(billing):
    with rolled_back(seconds=5):
        billing.pay(21)
        with rolled_back(seconds=5):
            billing.pay(22)
        with connections["billing"].cursor() as cursor:
            cursor.execute("SELECT amount FROM billing.invoice")
            assert cursor.fetchone() == (21,)
    assert billing.amount == 20


# --- write_once -----------------------------------------------------------------------------------


def make_group() -> None:
    Group.objects.create(name="made")


def test_a_step_of_our_own_database_writes_nowhere_else(ask, work, credit, billing):
    def write():
        make_group()
        billing.pay()

    credit.behave = lambda run: run.write_once("pay", write)
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert "NotAllowedHere in the task's code: Nothing may be written to “billing”" in run.error
    assert billing.amount == 20
    assert not Group.objects.filter(name="made").exists()


def test_it_may_read_there(ask, work, credit, billing):
    def write():
        make_group()
        with connections["billing"].cursor() as cursor:
            cursor.execute("SELECT amount FROM billing.invoice")
            return cursor.fetchone()[0]

    credit.behave = lambda run: run.write_once("pay", write)
    assert work(ask("50.00")).output["text"] == "20"
    assert Group.objects.filter(name="made").exists()


def test_a_step_of_another_database_is_written_there_and_its_answer_here(
    ask, work, credit, billing
):
    seen = []

    def write():
        seen.append(Effect.objects.get().answered_at)  # it is on record before anything is written
        return billing.pay()

    credit.behave = lambda run: run.write_once("pay", write, using="billing")
    run = work(ask("50.00"))
    assert (run.status, run.output["text"], billing.amount) == (Status.SUCCEEDED, "paid", 21)
    assert (seen, run.effects.get().answer) == ([None], "paid")


@pytest.mark.parametrize("fault", [ValueError("a fault"), SystemExit(1)])
def test_what_fails_before_the_commit_has_written_nothing_and_is_not_in_doubt(
    ask, work, credit, billing, fault
):
    def write():
        billing.pay()
        raise fault

    credit.behave = lambda run: run.write_once("pay", write, using="billing")
    run = work(ask("50.00"))
    assert (run.status, billing.amount) == (Status.FAILED, 20)
    assert run.effects.get().sent_at is None


def test_it_writes_to_no_third_one_and_not_to_ours_either(ask, work, credit, billing):
    def write():
        billing.pay()
        make_group()

    credit.behave = lambda run: run.write_once("pay", write, using="billing")
    run = work(ask("50.00"))
    assert "Nothing may be written to “default”" in run.error
    assert (run.status, billing.amount) == (Status.FAILED, 20)


def test_one_that_was_begun_and_not_recorded_is_in_doubt_and_not_written_again(
    ask, work, credit, billing, idempotent
):
    def dies(run):
        begin_effect(run._run, "pay")
        Run.objects.update(lease_until=Now() - timedelta(seconds=1))
        recover_lost_runs(door=Door.SCHEDULE)

    credit.behave = dies
    run = work(ask("50.00"))
    credit.behave = lambda run: run.write_once("pay", billing.pay, using="billing")
    due(run)
    run = work(run)
    assert (run.status, billing.amount) == (Status.UNCERTAIN, 20)
    assert "it may have been written to the database “billing”" in run.error


def test_a_commit_without_an_answer_is_in_doubt(ask, work, credit, billing):
    def write():
        billing.pay()
        with connections["billing"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    credit.behave = lambda run: run.write_once("pay", write, using="billing")
    run = work(ask("50.00"))
    assert run.status == Status.UNCERTAIN
    assert "did not confirm that it is committed" in run.error


def test_a_commit_that_was_refused_is_not(ask, work, credit, billing):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE billing.invoice ADD UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED"
        )

    def write():
        with connections["billing"].cursor() as cursor:
            cursor.execute("INSERT INTO billing.invoice VALUES (20)")

    credit.behave = lambda run: run.write_once("pay", write, using="billing")
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert "IntegrityError" in run.error


def test_many_items_are_written_there_one_by_one(ask, work, credit, billing):
    credit.behave = lambda run: run.write_each(
        "pay", [30, 31], billing.pay, key=str, using="billing"
    )
    run = work(ask("50.00"))
    assert (run.status, billing.amount) == (Status.SUCCEEDED, 31)


def test_it_is_refused_inside_a_transaction_there(ask, work, credit, billing):
    def behave(run):
        with transaction.atomic(using="billing"):
            run.write_once("pay", billing.pay, using="billing")

    credit.behave = behave
    assert "inside a transaction of “billing”" in work(ask("50.00")).error
    assert billing.amount == 20


def test_and_where_that_database_would_not_commit_it(ask, work, credit, billing):
    def behave(run):
        transaction.set_autocommit(False, using="billing")
        run.write_once("pay", billing.pay, using="billing")

    credit.behave = behave
    run = work(ask("50.00"))
    assert "inside a transaction of “billing”" in run.error
    assert not run.effects.exists()


def test_a_write_there_may_ask_whether_its_run_was_cancelled(
    ask, work, credit, billing, monkeypatch
):
    """Our own database is read only there, and the look extends the lease."""
    monkeypatch.setattr(heartbeat, "LOOKS_EVERY", 0.0)

    def behave(run):
        def write():
            run.check_cancelled()
            return billing.pay()

        return run.write_once("pay", write, using="billing")

    credit.behave = behave
    run = work(ask("50.00"))
    assert (run.status, billing.amount) == (Status.SUCCEEDED, 21), run.error


# --- Errors of the database -----------------------------------------------------------------------


def statement(alias: str, sql: str):
    def behave(run):
        with connections[alias].cursor() as cursor:
            cursor.execute(sql)

    return behave


TERMINATE = "SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.mark.parametrize(
    ("alias", "sql"),
    [
        ("billing", "SET transaction_read_only = on; UPDATE billing.invoice SET amount = 1"),
        ("billing", "SET statement_timeout = 1; SELECT pg_sleep(5)"),
        ("default", "SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)"),
        ("billing", TERMINATE),
        ("away", "SELECT 1"),
    ],
)
def test_what_a_task_is_refused_is_no_outage(ask, work, credit, billing, idempotent, alias, sql):
    credit.behave = statement(alias, sql)
    run = work(ask("50.00"))
    assert (run.status, len(credit.calls)) == (Status.FAILED, 1)
    assert "in the task's code" in run.error


def test_a_lost_connection_of_ours_is_one(ask, work, credit, idempotent):
    credit.behave = statement("default", TERMINATE)
    run = work(ask("50.00"))
    assert run.status == Status.QUEUED
    assert "The database was unreachable" in run.error
