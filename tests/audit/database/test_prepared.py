"""What is asked often is kept ready by PostgreSQL, but not where a pooler is in between."""

from dataclasses import replace

import psycopg
import pytest
from django.db import DataError, NotSupportedError, connection, connections

from audit.context import Door, _set, acting, current
from audit.database.prepared import KEPT_AFTER, keeping_cursor
from audit.database.statements import Given, ObjectStatement
from audit.history.records import save_with_history
from backoffice.models import Membership, User
from tests.doubles.pooler import pooler

OFTEN = KEPT_AFTER + 3
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anew():
    """A connection that has asked nothing yet."""
    connection.close()
    yield
    connection.close()


@pytest.fixture
def behind_a_pooler(tmp_path, transactional_db):
    """The connection of this thread, through something that greets as a pooler does."""
    direct = connections["default"]
    direct.ensure_connection()
    with pooler(tmp_path, behind=direct.connection.info.host) as host:
        pooled = direct.copy()
        pooled.settings_dict = {**direct.settings_dict, "HOST": host}
        connections["default"] = pooled
        yield
        pooled.close()
        connections["default"] = direct


def named():
    return ObjectStatement(lambda: User.objects.filter(username=Given("name")))


def kept(table):
    """How many statements about a table this session of the server keeps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{table}%"]
        )
        return cursor.fetchone()[0]


def test_what_is_asked_often_is_kept(anew, alice):
    statement = named()
    for _ in range(OFTEN):
        assert statement.first(name="alice") == alice
    assert kept("backoffice_user") == 1


def test_what_is_asked_once_is_not_kept(anew, alice):
    named().first(name="alice")
    assert kept("backoffice_user") == 0


def test_no_other_query_is_kept(anew, alice):
    for _ in range(OFTEN):
        User.objects.get(username="alice")
    assert kept("backoffice_user") == 0


def test_behind_a_pooler_nothing_is_kept(alice, behind_a_pooler):
    statement = named()
    for _ in range(OFTEN):
        assert statement.first(name="alice") == alice
    assert kept("backoffice_user") == 0


def test_a_row_and_its_history_are_kept_ready_too(anew, alice):
    with acting(user=alice, door=Door.ADMIN):
        for _ in range(OFTEN):
            save_with_history(alice)
    assert kept("backoffice_historicaluser") == 1


def test_what_is_too_long_is_refused_and_not_cut_off(alice):
    label = replace(current(), request_id="x" * 33)
    with _set(lambda: label), pytest.raises(DataError, match="too long"):
        save_with_history(alice)


def test_a_column_that_is_changed_meanwhile_is_asked_for_anew(anew, bob, approvers):
    statement = ObjectStatement(lambda: Membership.objects.filter(user=Given("user")))
    before = [statement.first(user=bob.pk).pk for _ in range(OFTEN)]
    _of_type("timestamptz(3)")
    try:
        with pytest.raises(NotSupportedError, match="cached plan"):
            statement.first(user=bob.pk)
        assert [statement.first(user=bob.pk).pk for _ in range(OFTEN)] == before
    finally:
        _of_type("timestamptz")


def _of_type(kind):
    """As a migration does it: on another connection."""
    where = connection.connection.info.dsn
    with psycopg.connect(where) as other:
        other.execute(f"ALTER TABLE backoffice_membership ALTER COLUMN since TYPE {kind}")


def test_it_is_counted_like_any_other_query(alice, django_assert_num_queries):
    with django_assert_num_queries(1) as seen, keeping_cursor() as cursor:
        cursor.execute("SELECT %s::int", [7])
    assert [query["sql"] for query in seen.captured_queries] == ["SELECT $1::int"]
