"""The guards' SQL files: each says what it promises, is run by a migration, and can be taken back."""

from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from audit.database.guards import guard, guard_file

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(
    file
    for folder in ("*/migrations/guards", "fixtures/*/migrations/guards")
    for file in ROOT.glob(f"{folder}/*.sql")
)


def statements() -> list[RunSQL]:
    """All SQL that migrations run, in the order in which they run it."""
    graph = MigrationLoader(None).graph
    keys = [key for leaf in sorted(graph.leaf_nodes()) for key in graph.forwards_plan(leaf)]
    operations = [
        operation for key in dict.fromkeys(keys) for operation in graph.nodes[key].operations
    ]
    return [operation for operation in operations if isinstance(operation, RunSQL)]


def triggers_and_functions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal"
            " UNION ALL SELECT pg_get_functiondef(oid), '' FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
        )
        return cursor.fetchall()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_begins_with_what_it_promises(file):
    promises = file.read_text().partition("\n\n")[0].splitlines()
    assert all(line.startswith("--") for line in promises)
    assert any(line.startswith("-- * ") for line in promises)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_is_run_by_a_migration(file):
    assert file.read_text() in [operation.sql for operation in statements()]


def test_what_a_file_creates_is_dropped_on_the_way_back():
    sql = guard_file(str(ROOT / "tasks/migrations/0001_initial.py"), "tasks_stop")
    assert guard(sql).reverse_sql == (
        "DROP TRIGGER tasks_guard_stop ON tasks_stop;\nDROP FUNCTION tasks_guard_stop;"
    )


@pytest.mark.django_db
def test_all_guards_go_and_come_back():
    before, state = triggers_and_functions(), ProjectState()
    assert len(before) > 100
    with connection.schema_editor() as editor:
        for operation in reversed(statements()):
            operation.database_backwards("audit", editor, state, state)
        assert triggers_and_functions() == []
        for operation in statements():
            operation.database_forwards("audit", editor, state, state)
    assert triggers_and_functions() == before
