"""A demo on somebody else's server: what it makes there, and what it refuses to touch."""

import stat

import psycopg
import pytest

from backoffice.database.provision import APP, LOOKUP, OWNER
from backoffice.demo.outside_database import OutsideDatabase
from backoffice.progress import Refused


def tell(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def ask(url, query):
    with psycopg.connect(url) as connection:
        (answer,) = connection.execute(query).fetchall()[0]
    return answer


@pytest.fixture(scope="module", autouse=True)
def _asks_for_passwords(server):
    rules = server.folder / "pg_hba.conf"
    ours = f"local all {OWNER},{APP},{LOOKUP} scram-sha-256\n"
    rules.write_text(ours + rules.read_text())
    tell(server.url(), "SELECT pg_reload_conf()")


@pytest.fixture
def clean(server):
    """The server without roles or databases of ours, before and after."""
    _forget(server)
    yield server
    _forget(server)


def _forget(server):
    tell(server.url(), *(f"DROP DATABASE IF EXISTS {name}" for name in ("shop", "backoffice")))
    with psycopg.connect(server.url(), autocommit=True) as connection:
        there = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname !~ '^(pg_|postgres)'"
        )
        for (role,) in there.fetchall():
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


@pytest.fixture
def record(tmp_path):
    return tmp_path / "database.json"


@pytest.fixture
def shop(clean, record):
    """As DATABASE_URL would name it: a database that is not there yet, and a login that may all."""
    return OutsideDatabase(clean.url(database="shop"), record)


def test_it_makes_the_database_for_its_owner(shop, clean):
    shop.provide()
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'"
    assert ask(clean.url(), owner) == OWNER


def test_web_and_worker_come_as_the_application(shop):
    assert (
        ask(shop.provide().app, "SELECT current_user || '@' || current_database()") == f"{APP}@shop"
    )


def test_migrations_come_as_the_owner(shop):
    tell(shop.provide().owner, "CREATE TABLE credit ()")


def test_a_login_that_is_no_superuser_but_may_make_both_is_enough(clean, record):
    tell(clean.url(), "CREATE ROLE maker LOGIN CREATEROLE CREATEDB")
    addresses = OutsideDatabase(clean.url("maker", "shop"), record).provide()
    assert addresses
    tell(addresses.owner, "CREATE TABLE credit ()")
    tell(addresses.app, "INSERT INTO credit DEFAULT VALUES")


def test_a_login_that_may_make_nothing_serves_for_everything(clean, record):
    tell(clean.url(), "CREATE ROLE guest LOGIN", "CREATE DATABASE shop OWNER guest")
    assert OutsideDatabase(clean.url("guest", "shop"), record).provide() is None


def test_a_login_that_may_make_nothing_needs_the_database(clean, record):
    tell(clean.url(), "CREATE ROLE guest LOGIN")
    with pytest.raises(Refused, match="no database shop"):
        OutsideDatabase(clean.url("guest", "shop"), record).provide()


def test_the_maintenance_database_is_not_filled(clean, record):
    addresses = OutsideDatabase(clean.url(), record).provide()
    assert addresses
    assert ask(addresses.app, "SELECT current_database()") == "backoffice"


def test_an_empty_database_is_taken_over(shop, clean):
    tell(clean.url(), "CREATE DATABASE shop")
    tell(shop.provide().owner, "CREATE TABLE credit ()")


def test_somebody_elses_tables_are_not_touched(shop, clean):
    tell(clean.url(), "CREATE DATABASE shop")
    tell(clean.url(database="shop"), "CREATE TABLE theirs ()")
    with pytest.raises(Refused, match="has tables already and belongs to postgres"):
        shop.provide()


def test_a_second_time_changes_nothing(shop):
    assert shop.provide() == shop.provide()


def test_each_role_has_a_password_of_its_own(shop, clean):
    shop.provide()
    for role in (OWNER, APP, LOOKUP):
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            ask(clean.url(role, "shop"), "SELECT 1")


def test_the_passwords_are_kept_for_this_user_only(shop, record):
    shop.provide()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_the_roles_of_another_demo_are_not_given_new_passwords(shop, clean, tmp_path):
    shop.provide()
    with pytest.raises(Refused, match="use that demo's data folder"):
        OutsideDatabase(clean.url(database="shop"), tmp_path / "other.json").provide()


def test_a_data_folder_stays_with_its_database(shop, clean, record):
    shop.provide()
    with pytest.raises(Refused, match="DATABASE_URL names another one"):
        OutsideDatabase(clean.url(database="other"), record).provide()


def test_what_it_made_it_removes(shop, clean):
    shop.provide()
    shop.remove()
    assert ask(clean.url(), "SELECT count(*) FROM pg_database WHERE datname = 'shop'") == 0


def test_after_a_removal_it_begins_anew(shop):
    tell(shop.provide().owner, "CREATE TABLE credit ()")
    shop.remove()
    tell(shop.provide().owner, "CREATE TABLE credit ()")


def test_a_database_that_was_there_before_is_not_removed(shop, clean):
    tell(clean.url(), "CREATE DATABASE shop")
    shop.provide()
    with pytest.raises(Refused, match="shows that this demo made the database shop"):
        shop.remove()


def test_a_removal_does_not_count_for_the_next_database_of_the_name(shop, clean):
    shop.provide()
    shop.remove()
    tell(clean.url(), "CREATE DATABASE shop")
    shop.provide()
    with pytest.raises(Refused, match="shows that this demo made the database shop"):
        shop.remove()


def test_a_database_in_use_is_not_removed(shop):
    with psycopg.connect(shop.provide().app), pytest.raises(Refused, match="Somebody is connected"):
        shop.remove()


def test_an_address_that_cannot_be_read_is_not_repeated(record):
    with pytest.raises(Refused, match="DATABASE_URL cannot be read") as refusal:
        OutsideDatabase("mysql://me:hush@host/shop", record)
    assert "hush" not in str(refusal.value)
