"""What a person wants to be told of, and not any more. Nobody subscribes for somebody else."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError

from audit.database.clock import database_now
from audit.transitions import Refusal, transition
from tasks import locks
from tasks.access.rights import Right, require
from tasks.declaration.registry import UnknownTask
from tasks.models import Run, Subscription, Task
from tasks.runs.subscriptions import STATES, check_subscription

if TYPE_CHECKING:
    from backoffice.models import User

MOST: Final = 50  # open ones of a person: each is looked at when a run ends


class NotSubscribed(Refusal):
    """It is to nothing, to what cannot be understood, or there already."""


def subscribe(
    task_id: int, *, by: "User", door: str, states: Collection[str], condition: str = ""
) -> Subscription:
    """Tell this person when a run of the task that they may see ends in one of these states.

    With a condition, only if it holds. Raises `NotGranted` and `NotSubscribed`.
    """
    task = Task.objects.get(pk=task_id)
    with transition(by=by, door=door, subject=task):
        require(by, Right.VIEW, task)
        wanted = [str(state) for state in STATES if state in states]
        condition = condition.strip()
        _must_be_something(wanted, states)
        _must_be_answerable(task, condition)
        locks.hold(f"subscriptions of {by.pk}")
        mine = Subscription.objects.filter(person=by, ended_at=None)
        if mine.filter(task=task, states=wanted, condition=condition).exists():
            raise NotSubscribed("You already have this subscription.")
        if mine.count() >= MOST:
            raise NotSubscribed(f"You have {MOST} subscriptions. Remove one first.")
        return Subscription.objects.create(person=by, task=task, states=wanted, condition=condition)


def end_subscription(subscription_id: int, *, by: "User", door: str) -> Subscription:
    """Tell this person no more of what they subscribed to. Raises `NotSubscribed`."""
    with transition(by=by, door=door):
        mine = Subscription.objects.filter(pk=subscription_id, person=by, ended_at=None)
        subscription = mine.select_for_update(of=("self",)).first()
        if subscription is None:
            raise NotSubscribed("This subscription has already been removed.")
        subscription.ended_at = database_now()
        subscription.save(update_fields=["ended_at"])
    return subscription


def _must_be_something(wanted: list[str], states: Collection[str]) -> None:
    if not wanted or set(states) - set(wanted):
        names = ", ".join(str(Run.Status(state).label) for state in STATES)
        raise NotSubscribed(f"Choose when you want to be notified: {names}.")


def _must_be_answerable(task: Task, condition: str) -> None:
    try:
        if condition:
            check_subscription(task, condition)
    except ValidationError as error:
        raise NotSubscribed(" ".join(error.messages)) from error
    except UnknownTask as error:
        raise NotSubscribed("This task is retired and no longer runs.") from error
