"""The queue's table, used in the way that PostgreSQL is good at.

django-q2's own ORM broker asks every 0.2 seconds, locks by each host's clock, opens connections
for each message, gives up for 10 seconds when the database is away, and lets a late
acknowledgement delete a message that somebody else is working on.
"""

import logging
from datetime import datetime
from time import monotonic, sleep
from typing import Any, NamedTuple, Self

import psycopg
from django.db import connections
from django.db.models import QuerySet
from django.db.models.functions import Now
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from audit.database.prepared import keeping_cursor
from tasks.queue.outages import OUTAGE, PATIENCE, PAUSE

logger = logging.getLogger(__name__)

CHANNEL = "tasks_queue"

PUT = f"""
WITH message AS (
    INSERT INTO django_q_ormq (key, payload, lock)
    VALUES (%(key)s, %(payload)s, greatest(statement_timestamp(), %(due_at)s)) RETURNING id
)
SELECT id, pg_notify('{CHANNEL}', %(key)s) FROM message
"""  # noqa: S608 - a constant
TAKE = """
WITH due AS (
    SELECT id, lock FROM django_q_ormq
    WHERE key = %(key)s AND lock <= statement_timestamp()
    ORDER BY lock, id LIMIT %(bulk)s FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE django_q_ormq AS message
    SET lock = statement_timestamp() + make_interval(secs => %(retry)s)
    FROM due WHERE message.id = due.id
    RETURNING message.id, message.lock, message.payload, due.lock AS due_since
)
SELECT id, lock, payload FROM taken ORDER BY due_since, id
"""
REMOVE = "DELETE FROM django_q_ormq WHERE id = %(pk)s AND lock = %(lock)s RETURNING id"


class Delivery(NamedTuple):
    """A message's row, and the lock that this delivery of it was given."""

    id: int
    lock: datetime


class PostgresBroker(ORM):  # type: ignore[misc]  # untyped
    """One queue, whose name is `list_key`. What takes messages off it runs in a process of its own."""

    _ears: psycopg.Connection | None = None
    _away_since: float | None = None
    due_at: datetime | None = None

    @staticmethod
    def get_connection(list_key: str | None = None) -> QuerySet[OrmQ]:
        """Unlike the parent's, it never closes the connection of whoever puts a message in."""
        messages: QuerySet[OrmQ] = OrmQ.objects.using(Conf.ORM)
        return messages

    def enqueue(self, task: str) -> int:
        """In the caller's transaction: nobody hears of it before, or without, the commit."""
        ((pk, _),) = _execute(PUT, key=self.list_key, payload=task, due_at=self.due_at)
        return int(pk)

    def due(self, at: datetime) -> Self:
        """The same queue for messages that nobody takes before this moment.

        Nobody is woken then: whoever waits looks for them each `poll` seconds.
        """
        later = type(self)(self.list_key)
        later.due_at = at
        return later

    def dequeue(self) -> list[tuple[Delivery, str]] | None:
        """What is due, oldest first; else None, after a message came in or `poll` seconds."""
        try:
            return self._take_or_wait()
        except OUTAGE as error:
            self._note_outage(error)
            sleep(PAUSE)
            return None

    def acknowledge(self, task_id: Delivery) -> None:
        """Remove a message, unless it was delivered again since this delivery of it."""
        give_up = monotonic() + PATIENCE
        while True:
            try:
                removed = _execute(REMOVE, pk=task_id.id, lock=task_id.lock)
                break
            except OUTAGE as error:
                self._note_outage(error)
                if monotonic() > give_up:
                    # It comes again after `retry` seconds, and then the run's row says: done.
                    logger.exception("Message %s could not be acknowledged", task_id.id)
                    return
                sleep(PAUSE)
        self._note_return()
        if not removed:
            logger.warning("Message %s was acknowledged late: somebody else has it", task_id.id)

    def fail(self, task_id: Delivery) -> None:
        """Remove a message that cannot be read: it would come back for ever."""
        self.acknowledge(task_id)

    def queue_size(self) -> int:
        """How many messages are due."""
        return self.get_connection().filter(key=self.list_key, lock__lte=Now()).count()

    def lock_size(self) -> int:
        """How many messages somebody is working on."""
        return self.get_connection().filter(key=self.list_key, lock__gt=Now()).count()

    def hang_up(self) -> None:
        """Close the connection that listens. The next `dequeue` opens another one."""
        if self._ears is not None:
            self._ears.close()
            self._ears = None

    def _take_or_wait(self) -> list[tuple[Delivery, str]] | None:
        # Before the look, so that what comes in between is heard. What was heard so far is
        # forgotten here, or it would pile up at the server while there is always work.
        self._listen(timeout=0)
        rows = _execute(TAKE, key=self.list_key, bulk=Conf.BULK, retry=Conf.RETRY)
        self._note_return()
        if rows:
            return [(Delivery(pk, lock), payload) for pk, lock, payload in rows]
        self._listen(timeout=Conf.POLL)
        return None

    def _listen(self, *, timeout: float) -> None:
        if self._ears is None:
            self._ears = _own_connection()
            self._ears.execute(f"LISTEN {CHANNEL}")
        for heard in self._ears.notifies(timeout=timeout):
            if timeout and heard.payload == self.list_key:  # another lane's wakes nobody here
                break

    def _note_outage(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = monotonic()
            logger.warning("The database is unreachable; waiting for it: %s", str(error).strip())
        self.hang_up()
        connection = connections[Conf.ORM]
        if not connection.in_atomic_block:
            connection.close()

    def _note_return(self) -> None:
        if self._away_since is not None:
            logger.warning(
                "The database is reachable again after %.1f s", monotonic() - self._away_since
            )
            self._away_since = None


def _execute(statement: str, **values: str | float | datetime | None) -> list[tuple[Any, ...]]:
    with keeping_cursor(Conf.ORM) as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _own_connection() -> psycopg.Connection:
    """Another connection like Django's, which nobody closes between two tasks."""
    wrapper: Any = connections[Conf.ORM].copy()
    wrapper.ensure_connection()
    connection: psycopg.Connection = wrapper.connection
    return connection
