import pytest
from django.db import connection

from tests.management.commands import flush

pytest_plugins = ["tests.people", "tests.pages"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """After a test with transactions of its own, the database is what it is now."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        flush.remember(cursor)
