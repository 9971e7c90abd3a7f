import pytest
from django.contrib.auth.models import Permission

from audit.context import acting
from tests.people import person


@pytest.fixture
def staff(db):
    """May enter the admin, and has no right in it."""
    return person("Stan", is_staff=True)


@pytest.fixture
def auditor(db):
    """May read everything and change nothing."""
    auditor = person("Audrey", is_staff=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_everything"))
    return auditor


@pytest.fixture
def rename(alice, bob):
    """Change Alice's first name, as Bob."""

    def rename(name, *, reason="", door="admin"):
        with acting(user=bob, door=door, reason=reason):
            alice.first_name = name
            alice.save()
        return alice.history.first()

    return rename
