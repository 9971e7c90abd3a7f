import pytest
from django.db import connection

from tests.__main__ import CLUSTERS
from tests.management.commands import flush

pytest_plugins = ["tests.people", "tests.pages"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """After a test with transactions of its own, the database is what it is now."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        flush.remember(cursor)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What would never run is an error."""
    for item in items:
        if item.get_closest_marker("alone") and not item.nodeid.startswith(CLUSTERS):
            raise pytest.UsageError(f"{item.nodeid} is to run alone: put it into one of {CLUSTERS}")
