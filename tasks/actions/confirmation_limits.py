"""Up to which amount a person runs a task without checking it first. Each decides for themselves."""

from typing import TYPE_CHECKING

from audit.transitions import Refusal, transition
from tasks.access.rights import Right, require
from tasks.models import ConfirmationLimit, Task
from tasks.parameters import Money
from tasks.runs.confirmation_limits import is_small, limits_of

if TYPE_CHECKING:
    from backoffice.models import User


class NotSmall(Refusal):
    """More than may go unconfirmed here."""


def skip_confirmation(task_id: int, *, up_to: Money, by: "User", door: str) -> None:
    """From now on, this person starts runs up to this amount without checking them first.

    Raises `NotGranted` for a task that they cannot request, and `NotSmall`.
    """
    task = Task.objects.get(pk=task_id)
    with transition(by=by, door=door, subject=task):
        require(by, Right.REQUEST, task)
        if not is_small(up_to):
            raise NotSmall(f"A run of {up_to} is always shown before it starts.")
        ConfirmationLimit.objects.update_or_create(
            person=by, task=task, currency=up_to.currency, defaults={"amount": up_to.amount}
        )


def confirm_again(task_id: int, *, by: "User", door: str) -> None:
    """From now on, each run of this task is shown to this person before it starts."""
    task = Task.objects.get(pk=task_id)
    with transition(by=by, door=door, subject=task):
        limits_of(by, task).delete()
