"""Whatever the text of a query says, nothing is written and no lock is left. Each was really tried."""

import time

# ruff: noqa: S608 -- the texts are meant to be what that warns of
import psycopg
import pytest

from tasks.contrib.sql.reading import ReturnsNothing, read

WRITES = "INSERT INTO diary VALUES (99, 'x', 'x')"
HOSTILE = [
    WRITES,
    f"SELECT 1; {WRITES}",
    f"SELECT 1; COMMIT; BEGIN READ WRITE; {WRITES}; COMMIT",
    f"COMMIT; {WRITES}",
    f"ROLLBACK; {WRITES}",
    f"-- read only\n{WRITES}",
    f"/* SELECT */ {WRITES}",
    f"SELECT 1) AS x; {WRITES}; SELECT * FROM (SELECT 1",
    f"SELECT 1) AS q(c0); COMMIT; {WRITES}; --",
    f"{WRITES} RETURNING id",
    f"WITH w AS ({WRITES} RETURNING id) SELECT id FROM w",
    "WITH w AS (DELETE FROM diary RETURNING id) SELECT id FROM w",
    "UPDATE diary SET word = 'x' RETURNING id",
    "DELETE FROM diary",
    "TRUNCATE diary",
    "MERGE INTO diary USING (SELECT 1) AS s ON false WHEN NOT MATCHED THEN INSERT VALUES (99)",
    "DROP TABLE diary",
    "ALTER TABLE diary ADD COLUMN x int",
    "CREATE TABLE hostile (id int)",
    "CREATE TEMP TABLE hostile (id int)",
    "SELECT 1 AS id INTO hostile",
    "SELECT 1 AS id INTO TEMP hostile",
    "CREATE FUNCTION hostile() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SET TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "SET SESSION AUTHORIZATION backoffice_owner",
    "SET ROLE backoffice_owner",
    "RESET ROLE",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT set_config('role', 'backoffice_owner', false)",
    "SELECT set_config('session_authorization', 'backoffice_owner', false)",
    "BEGIN READ WRITE",
    "COMMIT",
    "COMMIT AND CHAIN",
    "PREPARE TRANSACTION 'hostile'",
    "SELECT nextval('diary_numbers')",
    "SELECT setval('diary_numbers', 500)",
    "SELECT diary_write()",
    "SELECT * FROM diary_write()",
    "DO $$ BEGIN INSERT INTO diary VALUES (99, 'x', 'x'); END $$",
    "CALL diary_write()",
    "EXECUTE hostile",
    "COPY diary TO PROGRAM 'touch hostile.txt'",
    "COPY diary FROM PROGRAM 'echo 99'",
    "COPY (SELECT 1) TO 'hostile.txt'",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT secret FROM diary",
    "SELECT * FROM diary",
    "SELECT diary FROM diary",
    "SELECT * FROM tasks_run",
    "SELECT password FROM backoffice_user",
    "SELECT * FROM tasks_storedsecret",
    "SELECT * FROM audit_event",
    "SELECT rolpassword FROM pg_authid",
    "SELECT id FROM diary FOR UPDATE",
    "SELECT id FROM diary FOR KEY SHARE",
    "LOCK TABLE diary",
    "NOTIFY hostile",
    "LISTEN hostile",
    "SELECT query_to_xml('DELETE FROM diary RETURNING id', true, true, '')",
    "EXPLAIN ANALYZE DELETE FROM diary",
    "DECLARE other CURSOR WITH HOLD FOR SELECT 1",
    "VACUUM diary",
    "REFRESH MATERIALIZED VIEW hostile",
    "GRANT ALL ON diary TO backoffice_lookup",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user",
    "SELECT pg_reload_conf()",
    "SELECT pg_create_logical_replication_slot('hostile', 'pgoutput')",
    "SELECT 1 /*",
    "SELECT 'x",
    "",
    ";",
    ";;",
]
# These return rows, and neither write nor leave anything behind.
HARMLESS = [
    "SELECT pg_advisory_lock(4711)",
    "SELECT pg_advisory_lock(hashtextextended('stops', 0))",
    "SELECT pg_advisory_xact_lock(4711)",
    "SELECT pg_notify('hostile', 'x')",
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT set_config('default_transaction_read_only', 'off', false)",
    "SELECT txid_current()",
]


def state_of(outside):
    return [
        outside.execute("SELECT count(*), max(word), sum(id) FROM diary").fetchone(),
        outside.execute("SELECT last_value, is_called FROM diary_numbers").fetchone(),
        outside.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone(),
        outside.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone(),
    ]


def test_nothing_is_written_and_nothing_stays_locked(lookup, outside):
    outside.execute("LISTEN hostile")
    before, through = state_of(outside), []
    for text in HOSTILE:
        try:
            result = read(lookup, text, [], max_rows=10, seconds=3)
        except (psycopg.Error, ReturnsNothing):
            continue
        through.append((text, result.rows))
    for text in HARMLESS:
        assert len(read(lookup, text, [], max_rows=10, seconds=3).rows) == 1, text
    assert through == []
    assert state_of(outside) == before
    for key in ("4711", "hashtextextended('stops', 0)"):
        assert free(outside, f"SELECT pg_try_advisory_lock({key})")
    assert list(outside.notifies(timeout=0.1)) == []


def free(outside, question):
    """Whether a lock can be had. The server notices the end of a connection a moment later."""
    until = time.monotonic() + 5
    while not outside.execute(question).fetchone()[0]:
        if time.monotonic() > until:
            return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "SELECT pg_sleep(60)",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
        "SELECT id, CASE WHEN id = 1 THEN set_config('statement_timeout', '0', false) ELSE 'x' END, "
        "pg_sleep(0.2) FROM diary",
        "WITH RECURSIVE endless AS (SELECT 1 AS n UNION ALL SELECT n FROM endless) "
        "SELECT count(*) FROM endless",
    ],
)
def test_no_query_outlives_its_time(lookup, text):
    begun = time.monotonic()
    with pytest.raises(psycopg.Error):
        read(lookup, text, [], max_rows=100, seconds=1)
    assert time.monotonic() - begun < 10


def test_what_is_too_much_is_left_out(lookup):
    endless = "SELECT generate_series(1, 100000000000) AS n"
    many = read(lookup, endless, [], max_rows=100, seconds=10)
    assert (len(many.rows), many.more_rows, many.too_large) == (100, True, False)
    huge = read(lookup, "SELECT repeat('x', 50000000) AS big", [], max_rows=10, seconds=10)
    assert (huge.cut_cells, len(huge.rows[0][0])) == (1, 10_001)
    wide = "SELECT repeat('x', 9000) FROM generate_series(1, 10000)"
    large = read(lookup, wide, [], max_rows=10_000, seconds=10)
    assert large.too_large
    assert len(large.rows) < 400


def test_a_connection_that_was_made_writable_by_its_role_reads_only(lookup, outside):
    """Not the role's default protects, but the first statement of the transaction."""
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        read(outside.info.dsn, "SELECT nextval('diary_numbers')", [], max_rows=1, seconds=3)
