"""The queue's table: order, locks, notifications, acknowledgements, and a database that goes away."""

import os
import pickle
import threading
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django_q.brokers import get_broker
from django_q.models import OrmQ

from audit.database.clock import database_now
from tasks.queue import broker as module
from tasks.queue.broker import CHANNEL, Delivery, PostgresBroker
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(db):
    broker = PostgresBroker("test")
    yield broker
    broker.hang_up()


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a message that does not come."""
    monkeypatch.setattr(module.Conf, "POLL", 0.01)
    monkeypatch.setattr(module, "PAUSE", 0.05)


def payloads(taken):
    return [payload for _, payload in taken or ()]


def take(broker):
    ((delivery, _),) = broker.dequeue()
    return delivery


def delivered_again(delivery):
    """Its time is over, so the next one who asks gets it."""
    OrmQ.objects.filter(pk=delivery.id).update(lock=Now())


def another_connection(database=None):
    name = database or connection.settings_dict["NAME"]
    return psycopg.connect(os.environ["DATABASE_URL"], dbname=name, autocommit=True)


ALL = "pid <> pg_backend_pid()"
EARS = "query LIKE 'LISTEN%%'"


def terminate(which=ALL):
    """Ends the server's side of connections to the test database, and waits until it has ended."""
    statement = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
    with another_connection("postgres") as admin:
        admin.execute(f"{statement} AND {which}", [connection.settings_dict["NAME"]])


@contextmanager
def database_away():
    """As while it restarts: all connections are cut, and no new one is let in."""
    allow = f"ALTER DATABASE {connection.settings_dict['NAME']} ALLOW_CONNECTIONS "
    with another_connection("postgres") as admin:
        admin.execute(allow + "false")
        try:
            terminate()
            yield
        finally:
            admin.execute(allow + "true")


# --- Taking --------------------------------------------------------------------------------------


def test_it_is_the_broker_of_our_settings():
    assert type(get_broker()) is PostgresBroker


def test_the_oldest_comes_first(broker):
    for payload in ("first", "second", "third"):
        broker.enqueue(payload)
    OrmQ.objects.filter(payload="second").update(lock="2020-01-01T00:00:00Z")
    assert [payloads(broker.dequeue()) for _ in range(3)] == [["second"], ["first"], ["third"]]


def test_several_at_once_come_in_the_same_order(broker, monkeypatch):
    monkeypatch.setattr(module.Conf, "BULK", 2)
    for payload in ("first", "second", "third"):
        broker.enqueue(payload)
    assert payloads(broker.dequeue()) == ["first", "second"]


def test_what_is_due_later_is_taken_when_it_is_due(broker, impatient):
    broker.due(database_now() + timedelta(minutes=1)).enqueue("later")
    assert broker.dequeue() is None
    OrmQ.objects.update(lock=Now())
    assert payloads(broker.dequeue()) == ["later"]


def test_what_was_due_in_the_past_does_not_jump_the_line(broker):
    broker.enqueue("first")
    broker.due(database_now() - timedelta(days=1)).enqueue("second")
    assert payloads(broker.dequeue()) == ["first"]


def test_what_was_taken_is_not_taken_again_before_its_time(broker, impatient):
    broker.enqueue("once")
    take(broker)
    assert broker.dequeue() is None


def test_what_nobody_acknowledges_comes_again(broker):
    broker.enqueue("twice")
    delivered_again(take(broker))
    assert payloads(broker.dequeue()) == ["twice"]


def test_another_queue_is_another_queue(broker, impatient):
    PostgresBroker("another").enqueue("theirs")
    assert broker.dequeue() is None


def test_two_at_the_same_instant_never_take_the_same(broker):
    """Stock takes with a SELECT and an UPDATE for each row, and one of two comes back with nothing."""
    for number in range(100):
        broker.enqueue(str(number))

    def take_50():
        mine = PostgresBroker("test")
        try:
            return [payload for _ in range(50) for payload in payloads(mine.dequeue())]
        finally:
            mine.hang_up()

    one, other = at_once(take_50, take_50)
    assert sorted(map(int, one + other)) == list(range(100))


def test_a_message_that_another_transaction_holds_is_passed_over(broker):
    for payload in ("held", "free"):
        broker.enqueue(payload)
    with another_connection() as somebody, somebody.transaction():
        somebody.execute("SELECT FROM django_q_ormq WHERE payload = 'held' FOR UPDATE")
        assert payloads(broker.dequeue()) == ["free"]


def test_the_lock_is_by_the_clock_of_the_database(broker, monkeypatch):
    """Stock locks by each host's clock: a host that is an hour ahead takes what others work on."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: pytest.fail("A host's clock"))
    broker.enqueue("timeless")
    take(broker)
    assert (broker.queue_size(), broker.lock_size()) == (0, 1)


def test_the_role_of_the_application_may_do_all_of_it(broker):
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE backoffice_app")
        broker.enqueue("as the application")
        broker.acknowledge(take(broker))
        cursor.execute("RESET ROLE")
    assert not OrmQ.objects.exists()


# --- Putting in ----------------------------------------------------------------------------------


@pytest.fixture
def ears():
    with another_connection() as listening:
        listening.execute(f"LISTEN {CHANNEL}")

        def hear(within: float) -> list[str]:
            return [n.payload for n in listening.notifies(timeout=within, stop_after=1)]

        yield hear


def test_a_rollback_drops_the_message_and_its_notification(broker, ears):
    with transaction.atomic():
        broker.enqueue("never")
        transaction.set_rollback(True)
    assert ears(within=0.2) == []
    assert not OrmQ.objects.exists()


def test_nothing_is_heard_before_the_commit(broker, ears):
    with transaction.atomic():
        broker.enqueue("soon")
        assert ears(within=0.2) == []
    assert ears(within=20) == ["test"]


def test_putting_in_keeps_the_callers_connection(broker):
    """Stock closes it when it is not in a transaction: advisory locks and temporary tables go."""
    connection.settings_dict["CONN_MAX_AGE"], before = 0, connection.settings_dict["CONN_MAX_AGE"]
    connection.close()
    try:
        connection.ensure_connection()
        ours = connection.connection
        PostgresBroker("test").enqueue("kept")
        assert connection.connection is ours
    finally:
        connection.settings_dict["CONN_MAX_AGE"] = before
        connection.close()


def test_who_waits_is_woken_by_a_message(broker, monkeypatch):
    """Stock sleeps for `poll` seconds, whatever comes in."""
    monkeypatch.setattr(module.Conf, "POLL", 30)
    begun = monotonic()
    ready = threading.Timer(0.3, lambda: another_message("wake up"))
    ready.start()
    assert broker.dequeue() is None
    assert payloads(broker.dequeue()) == ["wake up"]
    assert monotonic() - begun < 10
    ready.join()


def another_message(payload):
    PostgresBroker("test").enqueue(payload)
    connection.close()


# --- Acknowledging -------------------------------------------------------------------------------


def test_an_acknowledged_message_is_gone(broker):
    broker.enqueue("done")
    broker.acknowledge(take(broker))
    assert not OrmQ.objects.exists()


def test_a_late_acknowledgement_does_not_remove_what_somebody_else_works_on(broker, caplog):
    """Stock deletes by the row alone."""
    broker.enqueue("slow")
    late = take(broker)
    delivered_again(late)
    again = take(broker)
    broker.acknowledge(late)
    assert OrmQ.objects.count() == 1
    assert "acknowledged late" in caplog.text
    broker.acknowledge(again)
    assert not OrmQ.objects.exists()


def test_a_delivery_comes_through_the_queues_between_processes(broker):
    """Where django-q2 pickles it."""
    broker.enqueue("there and back")
    delivery = take(broker)
    assert pickle.loads(pickle.dumps(delivery)) == delivery  # noqa: S301
    assert isinstance(delivery, Delivery)


# --- Outages -------------------------------------------------------------------------------------


def test_a_cut_connection_costs_half_a_second(broker, impatient, caplog):
    """Stock sleeps ten seconds, and then its pusher ends."""
    broker.enqueue("still there")
    broker.dequeue()
    OrmQ.objects.update(lock=Now())
    terminate()
    assert broker.dequeue() is None
    assert payloads(broker.dequeue()) == ["still there"]
    assert "database is unreachable" in caplog.text
    assert "database is reachable again" in caplog.text


def test_a_cut_ear_is_replaced(broker, impatient):
    assert broker.dequeue() is None
    terminate(EARS)
    broker.enqueue("heard")
    taken = [payloads(broker.dequeue()) for _ in range(3)]  # at the second look, or the first
    assert taken.count(["heard"]) == 1
    assert taken.count([]) == 2


def test_an_outage_is_said_once(broker, impatient, caplog):
    with database_away():
        assert [broker.dequeue() for _ in range(3)] == [None] * 3
    assert caplog.text.count("database is unreachable") == 1


def test_an_acknowledgement_waits_for_the_database(broker, impatient, monkeypatch):
    """Stock raises, which ends its monitor, and the message is delivered again."""
    broker.enqueue("done")
    delivery = take(broker)
    tried = threading.Event()
    monkeypatch.setattr(
        module, "sleep", lambda seconds: tried.set() or threading.Event().wait(0.05)
    )

    def acknowledge():
        broker.acknowledge(delivery)
        connection.close()

    with database_away():
        acknowledging = threading.Thread(target=acknowledge)
        acknowledging.start()
        assert tried.wait(timeout=10)
    acknowledging.join(timeout=10)
    connection.close()
    assert not OrmQ.objects.exists()


def test_an_acknowledgement_that_comes_to_nothing_leaves_the_message(
    broker, impatient, monkeypatch, caplog
):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    broker.enqueue("done")
    delivery = take(broker)
    with database_away():
        broker.acknowledge(delivery)
    connection.close()
    assert OrmQ.objects.count() == 1
    assert "could not be acknowledged" in caplog.text
