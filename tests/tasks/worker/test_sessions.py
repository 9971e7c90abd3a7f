"""What a task leaves behind on the worker's connections ends with its run."""

from contextlib import suppress

import pytest
from django.db import Error, connection, transaction

from approvals import channels
from approvals.models.deliveries import Delivery
from tasks.models import Run
from tasks.queue import processes
from tasks.worker import execution, fitness
from tests.approvals.channels.memory import Memory

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


def sql(*statements):
    def leave(run):
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return {"Credited": "yes"}

    return leave


def failed_transaction(run):
    raw = connection.connection
    raw.execute("BEGIN")
    with pytest.raises(Exception, match="does not exist"):
        raw.execute("SELECT FROM nowhere")


def autocommit_off(run):
    transaction.set_autocommit(False)


def autocommit_off_behind_django(run):
    connection.connection.autocommit = False


def open_block(run):
    transaction.atomic().__enter__()


def lost_block_that_failed(run):
    transaction.atomic().__enter__()
    with pytest.raises(Exception, match="does not exist"):
        sql("SELECT FROM nowhere")(run)


LOST = {
    "a raw BEGIN": sql("BEGIN"),
    "a raw BEGIN with something written": sql(
        "BEGIN", "CREATE TABLE left_behind ()", "INSERT INTO left_behind DEFAULT VALUES"
    ),
    "a failed raw transaction": failed_transaction,
    "a block that nobody ended": open_block,
    "a block that failed and nobody ended": lost_block_that_failed,
}
HARMLESS = {
    "another search_path": sql("SET search_path = nowhere"),
    "another role": sql("SET ROLE backoffice_lookup"),
    "a session that only reads": sql("SET default_transaction_read_only = on"),
    "a time-out of each statement": sql("SET statement_timeout = 1"),
    "another time zone": sql("SET TIME ZONE 'Asia/Tokyo'"),
    "a temporary table with the name of ours": sql("CREATE TEMPORARY TABLE tasks_run ()"),
    "autocommit off": autocommit_off,
    "autocommit off behind Django's back": autocommit_off_behind_django,
    "a closed connection": lambda run: connection.connection.close(),
}


@pytest.fixture(autouse=True)
def clean():
    yield
    connection.close()
    connection.connect()


@pytest.mark.parametrize("name", [*LOST, *HARMLESS])
def test_the_next_run_of_the_same_worker_succeeds_whatever_a_task_leaves(ask, work, credit, name):
    credit.behave = (LOST | HARMLESS)[name]
    left = work(ask("50.00"))
    assert left.status == (Status.FAILED if name in LOST else Status.SUCCEEDED)
    assert ("left a transaction open" in left.error) == (name in LOST)
    credit.behave = lambda run: {"Credited": "yes"}
    assert work(ask("60.00")).status == Status.SUCCEEDED


NOT_COMMITTED = {
    "a raw BEGIN": sql("BEGIN"),
    "autocommit off": autocommit_off,
    "autocommit off behind Django's back": autocommit_off_behind_django,
}


@pytest.mark.parametrize("begin", NOT_COMMITTED.values(), ids=NOT_COMMITTED)
def test_nothing_is_sent_whose_record_would_not_be_committed(ask, work, credit, begin):
    sent = []

    def behave(run):
        begin(run)
        run.once("pay", sent.append)

    credit.behave = behave
    run = work(ask("50.00"))
    assert (run.status, sent) == (Status.FAILED, [])
    assert "run.once() inside a transaction could not commit its step" in run.error


def test_a_lock_of_the_session_is_given_back(ask, work, credit):
    credit.behave = sql("SELECT pg_advisory_lock(4217)")
    assert work(ask("50.00")).status == Status.SUCCEEDED
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4217")
        assert cursor.fetchone() == (0,)


def test_a_run_that_leaves_nothing_keeps_its_connection(ask, work, credit):
    """A new one would have to learn all statements anew."""
    work(ask("50.00"))
    before = connection.connection
    work(ask("60.00"))
    assert connection.connection is before


def test_what_a_channel_leaves_fails_one_message_at_most(ask, bob, carol):
    """Channels, too, may be an adopter's own code."""
    memory = Memory()
    memory.before_sending = lambda delivery: connection.connection.execute("BEGIN")
    with channels.temporarily(memory):
        ask("150.00")  # Bob and Carol are to be told
        with suppress(Error):
            execution.pump()
        memory.before_sending = lambda delivery: None
        execution.pump()
    assert Delivery.objects.filter(status="sent").exists()


# --- A worker that cannot claim ------------------------------------------------------------------


@pytest.fixture
def claims_fail(monkeypatch):
    monkeypatch.setattr(processes.Conf, "MAX_RSS", None)
    monkeypatch.setattr(fitness._Claims, "failed", 0)

    def fail(*_, **__):
        raise ValueError("No claim")

    return lambda: monkeypatch.setattr(execution, "start_run", fail)


def test_a_worker_whose_claims_fail_twice_in_a_row_leaves(ask, work, claims_fail, caplog):
    run, real = ask("50.00"), execution.start_run
    claims_fail()
    with pytest.raises(ValueError, match="No claim"):
        work(run)
    assert processes.Conf.MAX_RSS is None
    execution.start_run = real
    work(run)  # in between it went well
    claims_fail()
    with pytest.raises(ValueError, match="No claim"):
        work(run)
    assert processes.Conf.MAX_RSS is None
    with pytest.raises(ValueError, match="No claim"):
        work(run)
    assert processes.Conf.MAX_RSS == processes.LEAVES
    assert "2 claims failed in a row" in caplog.text
