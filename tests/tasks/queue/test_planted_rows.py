"""Whoever may write to the queue's tables runs no code in a worker by that. Attack 2."""

import base64
import pickle
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import psycopg
import pytest
from django.core import signing
from django.db import connection
from django_q.models import OrmQ
from django_q.signing import PickleSerializer, SignedPackage

from backoffice.database.provision import APP
from tasks.queue import transport
from tasks.queue.broker import Delivery, PostgresBroker
from tasks.queue.lanes import RUNS
from tasks.queue.messages import SWEEP
from tests.tasks.queue.test_cluster import guard  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)

SCHEDULE = """
INSERT INTO django_q_schedule (name, func, args, schedule_type, repeats, next_run)
VALUES ('planted', 'pathlib.Path.mkdir', %s, 'O', -1, now() - interval '1 day')
"""
RESULT = """
INSERT INTO django_q_task (id, name, func, args, started, stopped, success, attempt_count, hook)
VALUES (%s, 'failing', 'x', %s, now(), now(), false, 1, 'pathlib.Path.cwd')
"""


class MakesAFolder:
    """Its pickle runs code when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return Path.mkdir, (self.folder,)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "planted"


@pytest.fixture
def evil(folder):
    return pickle.dumps(MakesAFolder(folder))


@pytest.fixture
def as_app():
    """Runs a statement as the application's role."""

    def run(statement, *values):
        with psycopg.connect(
            **connection.get_connection_params() | {"cursor_factory": None}
        ) as raw:
            raw.execute(f"SET ROLE {APP}")
            raw.execute(statement, values)

    return run


@pytest.fixture
def broker():
    broker = PostgresBroker("planted")
    yield broker
    broker.hang_up()


def as_owner(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO django_q_schedule (func, schedule_type, repeats) VALUES ('os.abort', 'O', 1)",
        "UPDATE django_q_schedule SET func = 'os.abort'",
        "INSERT INTO django_q_task (id, name, func, args, started, stopped, success, attempt_count)"
        " VALUES ('a', 'a', 'a', 'a', now(), now(), false, 1)",
        "UPDATE django_q_task SET args = 'a'",
    ],
)
def test_the_role_of_the_application_writes_neither_schedules_nor_results(as_app, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_app(statement)


def test_a_planted_schedule_is_called_by_nobody(folder, guard):  # noqa: F811
    """Also where one login owns everything."""
    as_owner(SCHEDULE, repr((str(folder),)))
    guard.work_at(RUNS)
    guard._look_at_the_database()
    assert [SignedPackage.loads(row.payload)["func"] for row in OrmQ.objects.all()] == [SWEEP]
    assert not folder.exists()


def test_a_planted_result_is_read_by_nobody(folder, evil, broker):
    """django-q2 looks for the row of a message that failed, and unpickles it."""
    as_owner(RESULT, "1" * 32, base64.b64encode(evil).decode())
    results = SimpleQueue()
    results.put(
        {"id": "1" * 32, "name": "failing", "func": "x", "args": (), "kwargs": {}, "success": False,
         "result": "It failed.", "ack_id": Delivery(0, None)}
    )  # fmt: skip
    results.put("STOP")
    broker.acknowledge = lambda delivery: None
    transport.monitor(results, broker)
    assert not folder.exists()


class OneMessage:
    """The queue of a cluster, which is stopped with the first message."""

    def __init__(self):
        self.came = Event()

    def put(self, message):
        assert not self.came.is_set()
        self.message = message
        self.came.set()


def forged(evil):
    packed = base64.urlsafe_b64encode(evil).decode().rstrip("=")
    return {
        "unsigned": packed,
        "unsigned, with marks of a signature": f"{packed}:1tUOIE:{'a' * 43}",
        "compressed": f".{packed}:1tUOIE:{'a' * 43}",
        "signed with another key": signing.dumps(
            MakesAFolder, key="another", salt="backoffice", serializer=PickleSerializer
        ),
        "signed for another purpose": signing.dumps(
            {"id": 1}, salt="sessions", serializer=PickleSerializer
        ),
        "no message": SignedPackage.dumps(["not", "a", "message"]),
        "nothing": "",
        "no text": "\N{SNOWMAN}:\N{SNOWMAN}:\N{SNOWMAN}",
        "a cut message": SignedPackage.dumps({"id": 1})[:-9],
        "a time that is none": f"{packed}:%%%:{'a' * 43}",
    }


def test_planted_messages_are_removed_unread_and_the_next_is_taken(
    as_app, folder, evil, broker, caplog
):
    """Some ended django-q2's pusher, and came back every seven minutes."""
    planted = forged(evil)
    for payload in planted.values():
        as_app(
            "INSERT INTO django_q_ormq (key, payload, lock) VALUES ('planted', %s, now())", payload
        )
    real = {"id": "1", "name": "real", "func": "x", "args": (), "kwargs": {}}
    broker.enqueue(SignedPackage.dumps(real))
    tasks = OneMessage()
    transport.pusher(tasks, tasks.came, broker)
    assert tasks.message["name"] == "real"
    assert OrmQ.objects.count() == 1  # the real one, until it is done
    assert caplog.text.count("was removed from the queue") == len(planted)
    assert not folder.exists()
