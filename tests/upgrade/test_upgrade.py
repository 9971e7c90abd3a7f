"""From the demo's database of each released version to the code as it is: nothing is lost on the way."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import psycopg
import pytest
from django.apps import apps
from psycopg import sql

from backoffice.database import provision
from backoffice.database.provision import Addresses
from backoffice.demo.data_folder import ROOT
from backoffice.demo.launcher import embedded_addresses
from tests.checker.evidence import gather
from tests.checker.report import check, told
from tests.upgrade import kept

KEPT = kept.all_kept()
# What the workers of the demo left open is long overdue in a dump, which nobody works on.
GRACE = timedelta(days=365 * 100)
# The code of this task is taken for another than it was.
CHANGED = "issue-credit"

type Counts = Mapping[str, int]


@dataclass(frozen=True)
class Upgraded:
    addresses: Addresses
    before: Counts
    after: Counts


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def manage(addresses: Addresses, *command: str) -> str:
    """manage.py as whoever deploys calls it. Its output; raises CalledProcessError."""
    environment = os.environ | addresses.environment() | {"SECRET_KEY": kept.SECRET_KEY}
    program = [sys.executable, "manage.py", *command]
    ended = subprocess.run(
        program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return ended.stdout


def row_counts(url: str) -> Counts:
    tables = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    with psycopg.connect(url) as connection:
        counted = {}
        for (table,) in connection.execute(tables).fetchall():
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            ((counted[table],),) = connection.execute(count).fetchall()
        return counted


def lost(before: Counts, after: Counts) -> list[str]:
    """In words, what is not there any more."""
    gone = [f"The table {table} is gone." for table in sorted(before.keys() - after.keys())]
    fewer = [
        f"{table} had {before[table]} rows, and has {after[table]}."
        for table in sorted(before.keys() & after.keys())
        if after[table] < before[table]
    ]
    return gone + fewer


@pytest.fixture(scope="module")
def empty(server) -> Iterator[Addresses]:
    yield embedded_addresses(server)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {provision.DATABASE}")


@pytest.fixture(scope="module", params=KEPT, ids=lambda file: file.name)
def upgraded(request, server, empty) -> Upgraded:
    kept.restore(server, request.param)
    change = "UPDATE tasks_task SET source_hash = 'another' WHERE slug = %s"
    with psycopg.connect(empty.owner) as connection:
        assert connection.execute(change, [CHANGED]).rowcount == 1
    before = row_counts(empty.owner)
    manage(empty, "migrate", "--no-input")
    return Upgraded(empty, before, row_counts(empty.owner))


def test_a_dump_is_kept():
    assert KEPT, "Make one from the released code: python -m tests.upgrade.dump <version>"


def test_nothing_is_lost(upgraded):
    assert upgraded.before["tasks_run"] > 40
    assert upgraded.before["tasks_historicalrun"] > 100
    assert lost(upgraded.before, upgraded.after) == []


def test_each_table_of_the_code_is_there(upgraded):
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables <= upgraded.after.keys()


def test_the_promises_hold(upgraded):
    with psycopg.connect(upgraded.addresses.app) as connection:
        found = check(gather(connection, grace=GRACE))
    assert list(told(found)) == []


def test_the_history_is_read_to_its_end(upgraded):
    lines = manage(upgraded.addresses, "export_history", "tasks.run", "--for", "machine")
    assert lines.count("\n") > upgraded.before["tasks_historicalrun"]


@pytest.mark.parametrize("statement", ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}"])
def test_the_application_still_changes_no_history(upgraded, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(upgraded.addresses.app, statement.format("tasks_historicalrun"))
    with pytest.raises(psycopg.errors.RestrictViolation):
        ask(upgraded.addresses.owner, statement.format("tasks_historicalrun"))


def test_the_tasks_are_brought_in_line_with_the_code(upgraded):
    tasks = partial(ask, upgraded.addresses.app)
    assert tasks("SELECT FROM tasks_task WHERE source_hash = 'another'") == []
    changes = tasks("SELECT slug, history_door FROM tasks_historicaltask ORDER BY history_id")
    assert changes.count((CHANGED, "deploy")) == 2  # when it was found, and now
    assert tasks("SELECT slug FROM tasks_task WHERE retired_at IS NOT NULL") == []


def test_a_second_deploy_changes_nothing(upgraded):
    before = row_counts(upgraded.addresses.owner)
    manage(upgraded.addresses, "migrate", "--no-input")
    assert row_counts(upgraded.addresses.owner) == before


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"tasks_run": 2, "new": 0}, []),
        ({"tasks_run": 1}, ["tasks_run had 2 rows, and has 1."]),
        ({"new": 2}, ["The table tasks_run is gone."]),
    ],
)
def test_what_is_lost_is_named(after, said):
    assert lost({"tasks_run": 2}, after) == said
