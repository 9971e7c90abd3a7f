"""What the checker looks at: one snapshot of the database, and the provider's ledger around it."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from tests.checker.guarded import CONDITIONS, GUARDED

type Ledger = Sequence[Mapping[str, Any]]
type Connection = psycopg.Connection[TupleRow]

PATIENCE: Final = 10.0  # seconds

# What stands for {name} in a query, wherever several look at the same thing.
PARTS: Final[Mapping[str, LiteralString]] = {
    "guarded": GUARDED,
    "conditions": CONDITIONS,
    "ledger": """(
        SELECT * FROM jsonb_to_recordset(%(ledger)s::jsonb)
            AS entry (id text, kind text, amount bigint, currency text, idempotency_key text))""",
    "ledger_afterwards": """(
        SELECT * FROM jsonb_to_recordset(%(ledger_afterwards)s::jsonb)
            AS entry (id text, kind text, amount bigint, currency text, idempotency_key text))""",
    # Runs that needed approval and came further than to wait for it.
    "gone_on": """(
        SELECT run.* FROM tasks_run run
        WHERE run.needs_approval AND (
            run.attempt > 0 OR run.queued_at IS NOT NULL
            OR run.status NOT IN ('awaiting', 'rejected', 'returned', 'expired', 'cancelled')
            OR EXISTS (SELECT FROM tasks_historicalrun version
                WHERE version.id = run.id AND version.status IN ('queued', 'running'))))""",
    # The versions of what people and groups were granted on tasks.
    "grants": """(
        SELECT 'person' AS kind, id, history_id, history_type, recorded_at, user_id AS to_id,
            permission_id, content_object_id AS task_id
        FROM tasks_historicaltaskuserpermission
        UNION ALL
        SELECT 'group', id, history_id, history_type, recorded_at, group_id, permission_id,
            content_object_id
        FROM tasks_historicaltaskgrouppermission)""",
    # The versions of runs and requests in the order in which they were written.
    "timeline": """(
        SELECT 'run' AS kind, id, history_id, history_type, status, requested_by_id,
            history_user_id AS person_id, history_door AS door, recorded_at,
            cancel_asked_at IS NOT NULL OR pause_asked_at IS NOT NULL AS stop_was_asked,
            lag(status) OVER (PARTITION BY id ORDER BY history_id) AS before,
            lag(recorded_at) OVER (PARTITION BY id ORDER BY history_id) AS before_at
        FROM tasks_historicalrun
        UNION ALL
        SELECT 'request', id, history_id, history_type, status, requested_by_id,
            history_user_id, history_door, recorded_at, false,
            lag(status) OVER (PARTITION BY id ORDER BY history_id),
            lag(recorded_at) OVER (PARTITION BY id ORDER BY history_id)
        FROM approvals_historicalapprovalrequest)""",
}


@dataclass(frozen=True)
class Evidence:
    """One look at everything. `ledger` is None where there is no provider to ask."""

    connection: Connection
    ledger: Ledger | None = None
    ledger_afterwards: Ledger | None = None
    app_role: str = "backoffice_app"
    grace: timedelta = timedelta(minutes=5)

    def rows(self, query: LiteralString) -> Iterator[tuple[Any, ...]]:
        """Ask one statement; {names} are PARTS, %(names)s the values of this look."""
        parts = {name: sql.SQL(part) for name, part in PARTS.items()}
        # On the server and row by row: a year of runs does not fit into memory.
        with self.connection.cursor(name="checker") as cursor:
            yield from cursor.execute(sql.SQL(query).format(**parts), self._values())

    def _values(self) -> dict[str, Any]:
        return {
            "ledger": None if self.ledger is None else Jsonb(self.ledger),
            "ledger_afterwards": (
                None if self.ledger_afterwards is None else Jsonb(self.ledger_afterwards)
            ),
            "app_role": self.app_role,
            "grace": self.grace,
        }


def gather(
    connection: Connection, read_ledger: Callable[[], Ledger] | None = None, **options: Any
) -> Evidence:
    """Take the snapshot. Works beside a product in full use, and finds nothing that is only early.

    The intent of a step is committed before it is sent, so what the ledger held before the snapshot
    is in the database; and what the database knows to be done is in the ledger afterwards.
    """
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    before = read_ledger() if read_ledger else None
    connection.execute("SELECT 1")  # the snapshot is taken by the first statement
    return Evidence(connection, before, read_ledger() if read_ledger else None, **options)


def ledger_at(url: str) -> Ledger:
    """The ledger of the Stripe double at this address. Raises OSError when it does not answer."""
    # Without the proxies of the environment: the double is near.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{url.rstrip('/')}/_ctl/effects", timeout=PATIENCE) as answer:
        effects: Ledger = json.load(answer)["effects"]
    return effects
