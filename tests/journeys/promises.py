"""The checker, after everything that was tried."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.checker.evidence import gather
from tests.checker.report import check
from tests.owner import behind_the_guards, guards_that_can_be_passed

OF_PEOPLE = ("backoffice_historicaluser", "backoffice_historicalmembership")


@contextmanager
def promises_kept() -> Iterator[None]:
    """In the block the owner of the tables writes behind the guards. After it the checker finds nothing."""
    with guards_that_can_be_passed("approvals_approvalrequest", "tasks_run", *OF_PEOPLE):
        yield
    server = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    database = str(connection.settings_dict["NAME"])
    with psycopg.connect(make_conninfo(server, dbname=database)) as looking:
        found = check(gather(looking))
    assert found == {}


def everybody_has_been_there_for_an_hour() -> None:
    """The checker lets a right pass that somebody had a minute ago: two transactions may have met."""
    for table in OF_PEOPLE:
        age = f"UPDATE {table} SET recorded_at = recorded_at - interval '1 hour'"  # noqa: S608
        behind_the_guards(age, {})
