"""People and a task for the tests of pages."""

from typing import Annotated

import pytest
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import adopt_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import ApprovalRule, Task
from tasks.parameters import Param, Secret
from tests.people import person
from tests.tasks.admin.reading import page_of, signed_in, words


def others(person: User) -> QuerySet[User]:
    return User.objects.exclude(pk=person.pk)


Other = Annotated[User, Param(search=("username",), limit=others)]


@pytest.fixture
def auditor(db) -> User:
    """May read everything and change nothing."""
    auditor = person("Audrey")
    auditor.user_permissions.add(Permission.objects.get(codename="view_everything"))
    return auditor


@pytest.fixture
def key_task(db, alice):
    """Alice may run a task that asks for a secret and for a person."""

    def rotate_key(key: Secret, service: str, who: Other) -> str:
        return "done"

    registered = RegisteredTask(
        slug="rotate-key",
        name="Rotate a key",
        category="Tests",
        owner="Testers",
        description="Puts a new key in place.",
        function=rotate_key,
        source_hash="2" * 64,
    )
    with registry.temporarily(registered):
        adopt_task(registered)
        task = Task.objects.get(slug="rotate-key")
        set_right(task, Right.EXECUTE, to=alice)
        yield task


@pytest.fixture
def shown(alice):
    """The text of a run's page, as somebody sees it."""
    return lambda run, to=alice: words(signed_in(to).get(page_of(run)))


@pytest.fixture
def erin(task, mallory):
    """Mallory, for once, administers the task."""
    set_right(task, Right.CHANGE, to=mallory)
    return mallory


@pytest.fixture
def rule(task: Task) -> ApprovalRule:
    return task.rules.get()
