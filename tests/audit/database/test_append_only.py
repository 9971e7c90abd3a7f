"""What the database refuses, to its owner and to the role that web and worker connect as."""

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.state import ProjectState
from django.db.utils import ProgrammingError

from audit import migrations
from audit.actions import record
from audit.database.append_only import append_only, withhold_changes
from audit.database.guards import guard_file
from audit.history.versions import audited_models, history_model_of
from audit.models import Event

pytestmark = pytest.mark.django_db

TABLES = ["audit_event", *(history_model_of(model)._meta.db_table for model in audited_models())]
ROLE = settings.DATABASE_APP_ROLE


def run(statement, parameters=None):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


@pytest.fixture
def event(alice):
    return record(Event.Verb.REFUSED, by=alice, door="admin", reason="tried too much")


@pytest.fixture
def app_role():
    """The role as it is after somebody granted it too much, and everything was withheld again."""
    if not run("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]):
        run(f'CREATE ROLE "{ROLE}"')
    run(f'GRANT USAGE ON SCHEMA public TO "{ROLE}"')
    run(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{ROLE}"')
    run(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{ROLE}"')
    withhold_changes(ROLE)
    return ROLE


@pytest.fixture
def as_app(app_role, event):
    run(f'SET LOCAL ROLE "{app_role}"')
    yield
    run("RESET ROLE")


@pytest.mark.parametrize("table", TABLES)
def test_each_table_has_its_three_triggers_also_for_a_session_that_plays_replica(table):
    triggers = run(
        "SELECT tgname, tgenabled FROM pg_trigger"
        " WHERE tgrelid = %s::regclass AND tgname LIKE 'audit%%' ORDER BY 1",
        [table],
    )
    assert triggers == [
        ("audit_refuse_change", "A"),
        ("audit_refuse_truncate", "A"),
        ("audit_stamp", "A"),
    ]


@pytest.mark.parametrize("table", TABLES)
def test_the_application_may_only_read_and_add(table, app_role):
    rights = run(
        "SELECT privilege_type FROM information_schema.role_table_grants"
        " WHERE table_name = %s AND grantee = %s",
        [table, app_role],
    )
    assert {right for (right,) in rights} == {"INSERT", "SELECT"}


@pytest.mark.parametrize("table", TABLES)
def test_the_application_may_not_change_a_single_column(table, app_role):
    columns = run(
        "SELECT column_name FROM information_schema.column_privileges"
        " WHERE table_name = %s AND grantee = %s AND privilege_type = 'UPDATE'",
        [table, app_role],
    )
    assert columns == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET reason = 'nothing happened'",
        "DELETE FROM audit_event",
        "UPDATE backoffice_historicaluser SET history_actor_label = 'somebody else'",
        "DELETE FROM backoffice_historicaluser",
    ],
)
def test_the_owner_is_refused(statement, event):
    with pytest.raises(IntegrityError, match="never changed or removed"):
        run(statement)


def test_a_session_that_plays_replica_is_refused(event):
    run("SET LOCAL session_replication_role = replica")
    with pytest.raises(IntegrityError, match="never changed or removed"):
        run("DELETE FROM audit_event")


@pytest.mark.parametrize(
    "change", [lambda event: event.delete(), lambda event: Event.objects.update(reason="nothing")]
)
def test_the_orm_is_refused(change, event):
    with transaction.atomic(), pytest.raises(IntegrityError, match="never changed or removed"):
        change(event)


@pytest.mark.usefixtures("as_app")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET reason = 'nothing happened'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "DELETE FROM backoffice_historicaluser",
        "TRUNCATE backoffice_historicaluser",
    ],
)
def test_the_application_has_no_right_to(statement):
    with pytest.raises(ProgrammingError, match="permission denied"):
        run(statement)


@pytest.mark.usefixtures("as_app")
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE audit_event DISABLE TRIGGER audit_refuse_change",
        "DROP TRIGGER audit_refuse_change ON audit_event",
        "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN NEW; END $$",
        "SET LOCAL session_replication_role = replica",
    ],
)
def test_the_application_cannot_take_the_guard_away(statement):
    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        run(statement)


@pytest.mark.usefixtures("as_app")
def test_the_application_can_add(alice):
    record(Event.Verb.SIGNED_OUT, by=alice, door="admin")
    assert Event.objects.filter(verb="signed_out").count() == 1


def test_a_table_is_emptied_only_in_a_database_of_tests():
    name = connection.settings_dict["NAME"]
    assert name.startswith("test_")
    with connection._nodb_cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            cursor.execute("CREATE SCHEMA audit_trial")
            cursor.execute("SET LOCAL search_path = audit_trial")
            cursor.execute(guard_file(migrations.__file__, "append_only"))
            cursor.execute("CREATE TABLE trial (recorded_at timestamptz)")
            cursor.execute(append_only("trial")[0].sql)
            with pytest.raises(DatabaseError, match="never emptied"):
                cursor.execute("TRUNCATE trial")
        finally:
            cursor.execute("ROLLBACK")


def test_the_guard_can_be_taken_back_by_a_migration(event):
    with connection.schema_editor() as editor:
        state = ProjectState()
        append_only("audit_event")[0].database_backwards("audit", editor, state, state)
    assert run("DELETE FROM audit_event") == 1


def test_a_role_that_does_not_exist_is_no_error():
    withhold_changes("nobody_of_this_name")
