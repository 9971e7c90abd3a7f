"""Tables that take new rows and give none back: refused by trigger to everybody, by right to us.

A migration that creates a history table ends with `*append_only("app_historicalthing")` and depends
on ("audit", "0001_initial"), which creates the functions that the triggers call
(migrations/guards/append_only.sql).
"""

from typing import Final

from django.conf import settings
from django.db import connections
from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation

from audit.database.guards import guard

# ALWAYS: a session that pretends to be a replica would otherwise skip the triggers.
_TRIGGERS: Final = """
CREATE TRIGGER audit_refuse_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_truncate();
CREATE TRIGGER audit_stamp BEFORE INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_stamp();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_refuse_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_refuse_truncate;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_stamp;
"""


def append_only(*table_names: str) -> list[Operation]:
    """Migration operations that let these tables, which have a recorded_at, only grow."""
    triggers = "".join(_TRIGGERS.format(table=name) for name in table_names)
    role = settings.DATABASE_APP_ROLE.replace("'", "''")
    return [guard(triggers), RunSQL(f"SELECT audit_withhold('{role}')", RunSQL.noop)]


def withhold_changes(role: str, *, using: str = "default") -> None:
    """Take from a database role every right on append-only tables but to read and to add."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT audit_withhold(%s)", [role])
