"""The embedded server, and the three roles that are made in it."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from backoffice.database import provision
from backoffice.database.embedded import EmbeddedPostgres
from backoffice.database.provision import APP, DATABASE, LOOKUP, OWNER
from backoffice.demo.launcher import embedded_addresses
from backoffice.progress import Refused
from tests.database import FAST


def ask(url, query):
    with psycopg.connect(url, autocommit=True) as connection:
        (answer,) = connection.execute(query).fetchall()[0]
    return answer


def tell(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def addresses(server):
    addresses = embedded_addresses(server)
    tell(addresses.owner, "CREATE TABLE credit (id serial PRIMARY KEY, amount int)")
    return addresses


@pytest.fixture
def lookup(server, addresses):
    return server.url(LOOKUP, DATABASE)


def test_it_answers_on_a_socket_in_its_own_folder(server):
    assert ask(server.url(), "SHOW unix_socket_directories") == f'"{server.folder}"'


def test_it_does_not_listen_on_the_network(server):
    assert ask(server.url(), "SHOW listen_addresses") == ""


def test_it_sorts_and_capitalises_alike_everywhere(server):
    assert ask(server.url(), "SELECT upper('é')") == "É"


def test_starting_it_twice_does_nothing(server):
    before = ask(server.url(), "SELECT pg_postmaster_start_time()")
    EmbeddedPostgres(server.folder).start()
    assert ask(server.url(), "SELECT pg_postmaster_start_time()") == before


def test_the_data_are_there_after_a_new_start(folder):
    server = EmbeddedPostgres(folder / "kept", FAST)
    server.start()
    tell(server.url(), "CREATE TABLE kept ()")
    server.stop()
    assert not server.answers()
    server.start()
    try:
        assert ask(server.url(), "SELECT count(*) FROM kept") == 0
    finally:
        server.stop()


@pytest.fixture
def crashed(folder):
    """A server that is gone, and whose number has become another process's of the same user."""
    server = EmbeddedPostgres(folder / "crashed", FAST)
    server.start()
    note = server.folder / "postmaster.pid"
    text = note.read_text()
    server.stop()
    with subprocess.Popen(["sleep", "1000"], user=server.folder.stat().st_uid) as other:
        note.write_text(text.replace(text.split()[0], str(other.pid), 1))
        yield server, other
        other.kill()
    server.stop()


def test_it_starts_after_a_crash(crashed):
    server, _ = crashed
    server.start()
    assert server.answers()


def test_stopping_it_after_a_crash_leaves_other_processes_alone(crashed):
    server, other = crashed
    server.stop()
    assert other.poll() is None


def test_a_path_that_is_too_long_is_refused_with_the_way_out():
    with pytest.raises(Refused, match="too long for a database socket: set BACKOFFICE_DATA"):
        EmbeddedPostgres(Path("/tmp") / ("x" * 100) / "postgres")  # noqa: S108 - nothing is made


def test_a_path_that_addresses_cannot_hold_is_refused():
    with pytest.raises(Refused, match="comma"):
        EmbeddedPostgres(Path("/tmp/a,b"))  # noqa: S108 - nothing is made


def test_settings_look_for_it_at_the_same_address(server):
    env = {**os.environ, "BACKOFFICE_DATA": str(server.folder.parent)}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        env.pop(name, None)
    read = "from backoffice.settings import DATABASES as d; print(d['default'], d['owner'])"
    done = subprocess.run([sys.executable, "-c", read], env=env, capture_output=True, text=True)
    assert f"'host': '{server.folder}', 'user': '{APP}'" in done.stdout
    assert f"'host': '{server.folder}', 'user': '{OWNER}'" in done.stdout


def test_the_owner_owns_the_database(server, addresses):
    with psycopg.connect(server.url(), autocommit=True) as connection:
        assert provision.database_owner(connection, DATABASE) == OWNER


def test_the_application_reads_and_writes_the_owners_new_tables(addresses):
    tell(addresses.app, "INSERT INTO credit (amount) VALUES (5)", "DELETE FROM credit")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE credit",
        "ALTER TABLE credit DISABLE TRIGGER ALL",
        "TRUNCATE credit",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "SET ROLE backoffice_owner",
    ],
)
def test_the_application_may_not(addresses, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        tell(addresses.app, statement)


def test_the_owner_makes_neither_roles_nor_databases(addresses):
    for statement in ("CREATE ROLE mine", "CREATE DATABASE mine"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tell(addresses.owner, statement)


def test_a_look_up_sees_no_table_until_it_is_granted_one(lookup):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(lookup, "SELECT count(*) FROM credit")


def test_a_look_up_only_reads(lookup):
    assert ask(lookup, "SHOW transaction_read_only") == "on"


def test_a_look_up_ends_after_fifteen_seconds(lookup):
    assert ask(lookup, "SHOW statement_timeout") == "15s"


def test_everything_may_be_made_again(server, addresses):
    assert embedded_addresses(server) == addresses
