"""Find out whether this database was restored from a backup, and if so let nothing run.

The newest `DatabaseIdentity` says where and when it was written. After a dump was restored it does not
fit what PostgreSQL says now, whether into another server, another database or the same one. After a
copy of the server's files was put back, or the server was recovered to a time before, it fits: then
the count that each data folder keeps tells (`seen_here`), or the server's timeline.
"""

import logging
from typing import Final

from django.db import connection

from audit.transitions import transition
from tasks import locks
from tasks.access.restores import RESTORED, is_held, is_restored
from tasks.actions.restores.seen_here import Seen, seen_of
from tasks.actions.stops import stop_everything_by_itself
from tasks.models import DatabaseIdentity, WorkerLook

logger = logging.getLogger(__name__)

Found = DatabaseIdentity.Found

WHY: Final[dict[str, str]] = {
    Found.RESTORED: RESTORED,
    Found.OLDER: f"{RESTORED} It is older than what a worker of this installation has seen.",
    Found.PROMOTED: (
        f"{RESTORED} Its server was promoted or recovered, and no worker here knows that nothing is "
        "missing."
    ),
}


def check_database(*, door: str) -> bool:
    """Compare this database with what is known of it. Returns whether work is held.

    Called by each worker for each new connection, and once a minute. Not inside a transaction: the
    row that it may write carries the number of its own.
    """
    with transition(
        by=None, door=door, reason="The database was compared with what is known of it"
    ):
        locks.hold("identity of the database")
        known = DatabaseIdentity.objects.order_by("-pk").first()
        seen = seen_of(known) if known else None
        found = Found.FIRST if known is None else _found(known, seen)
        if found:
            seen = seen_of(_write(found))
        now_seen = _count(seen)
    now_seen.keep()
    return is_held()


def _found(known: DatabaseIdentity, seen: Seen | None) -> Found | None:
    """What has changed since the newest identity was written. None when nothing has."""
    if is_restored():
        return Found.RESTORED
    if seen and seen.number > _number_of(seen):
        return Found.OLDER
    if known.timeline == _timeline():
        return None
    # Another server took over, or this one was recovered. A worker that was there knows the last minute.
    return Found.MOVED if seen and seen.number else Found.PROMOTED


def _write(found: Found) -> DatabaseIdentity:
    stop = None
    if why := WHY.get(found):
        logger.critical("%s", why)
        stop = stop_everything_by_itself(why)
    identity = DatabaseIdentity.objects.create(found=found, stop=stop)
    identity.refresh_from_db()
    return identity


def _number_of(seen: Seen) -> int:
    row = WorkerLook.objects.filter(pk=seen.folder).first()
    return row.number if row else 0


def _count(seen: Seen | None) -> Seen:
    """One look more, in the database; the folder has it after the commit."""
    assert seen  # noqa: S101 - there is an identity by now
    row, _ = WorkerLook.objects.select_for_update().get_or_create(pk=seen.folder)
    row.number += 1
    row.save()
    return seen.with_number(row.number)


def _timeline() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT timeline FROM tasks_present_database()")
        return int(cursor.fetchone()[0])
