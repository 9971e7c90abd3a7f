"""Tables that take new rows and give none back: refused by trigger to everybody, by right to us.

A migration that creates a history table ends with `*append_only("app_historicalthing")` and depends
on ("audit", "0002_append_only"), which creates the functions that the triggers call.
"""

from typing import Final

from django.conf import settings
from django.db import connections
from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation

FUNCTIONS: Final = r"""
CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed or removed. Record what happened in a new row.',
        TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Test runners empty every table between two tests, and call their database test_something.
CREATE OR REPLACE FUNCTION audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() LIKE 'test\_%' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The table % is never emptied.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := clock_timestamp();
    RETURN NEW;
END $$;

-- Whoever grants rights on all tables calls this afterwards.
CREATE OR REPLACE FUNCTION audit_withhold(app_role text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    guarded regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app_role) THEN
        RETURN;
    END IF;
    FOR guarded IN SELECT tgrelid FROM pg_trigger WHERE tgname = 'audit_refuse_change' LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %s FROM %I',
            guarded, app_role);
    END LOOP;
END $$;
"""

NO_FUNCTIONS: Final = """
DROP FUNCTION audit_withhold(text);
DROP FUNCTION audit_stamp();
DROP FUNCTION audit_refuse_truncate();
DROP FUNCTION audit_refuse_change();
"""

# ALWAYS: a session that pretends to be a replica would otherwise skip the triggers.
_GUARD = """
CREATE TRIGGER audit_refuse_change BEFORE UPDATE OR DELETE ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON "{table}"
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_truncate();
CREATE TRIGGER audit_stamp BEFORE INSERT ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION audit_stamp();
ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER audit_refuse_change;
ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER audit_refuse_truncate;
ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER audit_stamp;
"""

_UNGUARD = """
DROP TRIGGER audit_stamp ON "{table}";
DROP TRIGGER audit_refuse_truncate ON "{table}";
DROP TRIGGER audit_refuse_change ON "{table}";
"""


def append_only(*table_names: str) -> list[Operation]:
    """Migration operations that let these tables, which have a recorded_at, only grow."""
    operations: list[Operation] = [
        RunSQL(_GUARD.format(table=name), _UNGUARD.format(table=name)) for name in table_names
    ]
    role = settings.DATABASE_APP_ROLE.replace("'", "''")
    return [*operations, RunSQL(f"SELECT audit_withhold('{role}')", RunSQL.noop)]


def withhold_changes(role: str, *, using: str = "default") -> None:
    """Take from a database role every right on append-only tables but to read and to add."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT audit_withhold(%s)", [role])
