"""`@sql_task`: values are bound by type, and what is wrong is a sentence."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, request_run
from tasks.actions.changes.grants import set_right
from tasks.checks import check_tasks
from tasks.contrib.sql import sql_task
from tasks.contrib.sql.queries import Query
from tasks.declaration.registry import registry
from tasks.models import Run, Task
from tasks.parameters import Money, Param
from tasks.worker.execution import execute
from tests.tasks.contrib.sql.conftest import address_of

SAID = {"name": "Diary", "category": "Tests", "owner": "Testers"}


@pytest.fixture
def only_ours(monkeypatch):
    monkeypatch.setattr(registry, "_tasks", {})
    monkeypatch.setattr(registry, "problems", [])


def declared(query, function, **more):
    sql_task(query=query, **SAID | more)(function)
    return registry.all()[0] if registry.all() else None


@pytest.fixture
def look(lookup, only_ours, alice):
    def look_up(query, function, values=(), **more):
        registered = declared(query, function, **more)
        adopt_task(registered)
        task = Task.objects.get(slug=registered.slug)
        set_right(task, Right.EXECUTE, to=alice)
        run = request_run(
            task.pk, requested_by=alice, door=Door.ADMIN, values=dict(values), reason=""
        )
        execute(str(run.pk))
        run.refresh_from_db()
        return run

    return look_up


def table(run):
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run.output["outputs"][0]["rows"]


def plain():
    """Reads the diary."""


def test_values_are_bound_by_their_types_and_never_pasted(look):
    def every_type(
        number: int,
        word: str,
        day: date,
        sum_: Annotated[Decimal, Param(places=2)],
        credit: Money,
        which: Literal["a", "b"] = "b",
        nothing: str | None = None,
    ):
        """Reads the diary."""

    word = "'; DROP TABLE diary; -- :number %s $1"
    run = look(
        "SELECT :number + 1 AS n, :word AS w, :day - 1 AS d, :sum_ AS s, :credit AS c, "
        ":credit_currency AS cc, :which AS x, :nothing IS NULL AS z, :requested_by AS who, "
        "':number' AS quoted -- :unknown\n",
        every_type,
        {
            "number": "41",
            "word": word,
            "day": "2026-03-01",
            "sum_": "1.50",
            "credit": "7.25",
            "credit_currency": "USD",
            "which": "b",
        },
    )
    (row,) = table(run)
    assert row[:2] == ["42", word]
    assert row[3:6] == ["1.50", "7.25", "USD"]
    assert row[6] == "b"
    assert row[8:] == ["alice", ":number"]


def test_columns_of_people_are_masked(look):
    run = look(
        "SELECT 'ada.lovelace@example.com' AS email, '+1 555 0117' AS phone, 1 AS n",
        plain,
        mask={"email": "email", "phone": "phone"},
    )
    assert table(run) == [["a•••@example.com", "•••• 17", "1"]]
    assert "lovelace" not in str(Run.objects.values_list("output", flat=True).get(pk=run.pk))


def test_what_is_left_out_is_said(look):
    run = look("SELECT id FROM diary ORDER BY id", plain, max_rows=3)
    assert table(run) == [["1"], ["2"], ["3"]]
    assert "first 3 rows" in str(run.output)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT secret FROM diary", "its role cannot read that"),
        ("SELECT * FROM nowhere", "a table is missing"),
        ("SELECT 1 / (id - id) FROM diary", "a value does not fit"),
        ("SELECT pg_sleep(30)", "took longer than 1 seconds"),
    ],
)
def test_what_goes_wrong_is_a_sentence(look, query, words):
    run = look(query, plain, seconds=1)
    assert run.status == Run.Status.FAILED
    assert words in run.error
    assert run.traceback == ""


def test_a_database_that_nobody_reaches_is_tried_again(look, settings):
    settings.LOOKUP_DATABASES = {"lookup": "host=/nowhere/at/all dbname=x"}
    run = look("SELECT 1", plain)
    assert "cannot be reached now" in run.error
    settings.LOOKUP_DATABASES = {}


@pytest.mark.parametrize(
    ("query", "more", "words"),
    [
        ("SELECT :days", {}, "uses :days"),
        ("missing.sql", {}, "missing.sql cannot be read"),
        ("SELECT 1", {"max_rows": 0}, "max_rows=0"),
        ("SELECT 1", {"mask": {"email": "rot13"}}, "'rot13'"),
    ],
)
def test_a_wrong_declaration_is_found_without_the_database(only_ours, query, more, words):
    declared(query, plain, **more)
    (problem,) = registry.problems
    assert words in problem.message
    assert problem.file == __file__


@pytest.mark.parametrize(
    ("query", "number", "words"),
    [
        ("SELECT id\nFROM diary\nWHERE id = 'x'", "E020", "does not understand"),
        ("SELEKT 1", "E020", "does not understand"),
        ("SELECT id FROM diary; SELECT 2", "E020", "does not understand"),
        ("SET x.y = 1", "E020", "is no query"),
        ("SELECT id FROM nowhere", "W021", "nowhere"),
    ],
)
def test_the_database_is_asked_at_check(lookup, only_ours, query, number, words):
    declared(query, plain)
    (message,) = check_tasks()
    assert message.id == f"tasks.{number}"
    assert words in message.msg
    assert message.msg.startswith(__file__)


def test_a_role_that_can_write_is_an_error(lookup, only_ours, settings):
    settings.LOOKUP_DATABASES = {"lookup": address_of("backoffice_owner")}
    declared("SELECT 1 AS n", plain)
    assert "superuser" in check_tasks()[0].msg


def test_the_query_and_its_limits_are_in_the_fingerprint(only_ours, monkeypatch):
    hashes = set()
    for query, more in [
        ("SELECT 1", {}),
        ("SELECT 1", {"owner": "Others"}),
        ("SELECT 2", {}),
        ("SELECT 1", {"database": "replica"}),
        ("SELECT 1", {"max_rows": 7}),
        ("SELECT 1", {"mask": {"n": "email"}}),
    ]:
        monkeypatch.setattr(registry, "_tasks", {})
        hashes.add(declared(query, plain, **more).source_hash)
    assert len(hashes) == 5


def test_names_are_no_names_in_texts_comments_and_casts():
    text = """SELECT ':a', E'\\':b', ":c", $x$ :d $x$, x::e, :real -- :f
        /* :g */ FROM t WHERE y = :real AND z[1: 2] > :other;"""
    query = Query(text, "", 1)
    assert query.names() == ["real", "other"]
    assert query.numbered({"real": "text", "other": "integer"}).count("($1::text)") == 2
