"""What keeps promises 3 to 5 when the code does not: triggers, and rights that nobody has."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(5)
def the_triggers_stand(evidence: Evidence) -> Iterator[str]:
    """Each guarded table has its triggers, and they work in every session (ENABLE ALWAYS)."""
    # Tables that are not there (a company without the demo's ledger) are not missed.
    for table, trigger, how in evidence.rows(r"""
        WITH history AS (
            SELECT DISTINCT attrelid AS class FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
            JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = 'public'
            WHERE attname = 'history_id'
            UNION SELECT to_regclass('audit_event')),
        kept AS (
            SELECT class FROM history
            UNION SELECT to_regclass('ledger_entry') UNION SELECT to_regclass('ledger_line')),
        wanted (class, name, kind) AS (
            SELECT to_regclass(name), guard, kind FROM {guarded} AS given (name, guard, kind)
            UNION ALL SELECT class, 'audit_refuse_change', 27 FROM kept
            UNION ALL SELECT class, 'audit_refuse_truncate', 34 FROM kept
            UNION ALL SELECT class, 'audit_stamp', 7 FROM history)
        SELECT wanted.class::regclass, wanted.name,
            CASE WHEN there.oid IS NULL THEN 'missing' WHEN there.tgenabled = 'D' THEN 'off'
                WHEN there.tgenabled <> 'A' THEN 'not always on' ELSE 'another than it was' END
        FROM wanted LEFT JOIN pg_trigger there
            ON there.tgrelid = wanted.class AND there.tgname = wanted.name
            LEFT JOIN {conditions} AS known (name, condition) ON known.name = wanted.name
        WHERE wanted.class IS NOT NULL AND (there.oid IS NULL OR there.tgenabled <> 'A'
            OR there.tgtype <> wanted.kind OR there.tgfoid::regproc::text <> wanted.name
            OR substring(pg_get_triggerdef(there.oid) FROM 'WHEN \((.*)\) EXECUTE')
                IS DISTINCT FROM known.condition)
        ORDER BY 1, 2
    """):
        yield f"The trigger {trigger} on {table} is {how}."


@invariant(5)
def history_is_out_of_reach(evidence: Evidence) -> Iterator[str]:
    """The application's role cannot change, remove or unguard a row of an append-only table."""
    for table, owner in evidence.rows("""
        WITH kept AS (
            SELECT DISTINCT attrelid AS class FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
            JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = 'public'
            WHERE attname = 'history_id'
            UNION SELECT class FROM unnest(ARRAY[to_regclass('audit_event'),
                to_regclass('approvals_followup'),
                to_regclass('ledger_entry'), to_regclass('ledger_line')]) AS class)
        SELECT class::regclass, pg_get_userbyid(relowner)
        FROM kept JOIN pg_class ON pg_class.oid = kept.class
            LEFT JOIN pg_roles role ON role.rolname = %(app_role)s
        WHERE role.oid IS NULL OR pg_has_role(role.oid, relowner, 'MEMBER')
            OR has_any_column_privilege(role.oid, class, 'UPDATE')
            OR has_table_privilege(role.oid, class, 'DELETE, TRUNCATE, TRIGGER')
        ORDER BY 1
    """):
        yield f"{evidence.app_role} is no role, or may change {table} (owner {owner})."
