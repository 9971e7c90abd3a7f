"""Alice asks, Bob and Carol may approve, Dave may look, Mallory may not."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from approvals.actions import add_member
from audit.context import Door
from backoffice.models import User


def person(name: str, **fields: Any) -> User:
    return User.objects.create_user(
        username=name.lower(),
        email=f"{name.lower()}@example.com",
        first_name=name,
        last_name="Example",
        **fields,
    )


def join(who: User, group: Group) -> None:
    add_member(user=who, group=group, by=None, door=Door.COMMAND, reason="set up for a test")


@pytest.fixture
def alice(db) -> User:
    return person("Alice")


@pytest.fixture
def approvers(db) -> Group:
    return Group.objects.get_or_create(name="Approvers")[0]


@pytest.fixture
def bob(approvers) -> User:
    bob = person("Bob")
    join(bob, approvers)
    return bob


@pytest.fixture
def carol(approvers) -> User:
    carol = person("Carol")
    join(carol, approvers)
    return carol


@pytest.fixture
def dave(db) -> User:
    return person("Dave")


@pytest.fixture
def mallory(db) -> User:
    return person("Mallory")


@pytest.fixture
def root(db) -> User:
    return person("Root", is_superuser=True, is_staff=True)
