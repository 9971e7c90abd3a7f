"""Which runs a person starts without the page that asks them to check it first.

Only small amounts can be: `CONFIRMATION_LIMITS` says how small, for each currency. Bulk runs and
those without an amount never are.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tasks.models import ConfirmationLimit, Task
from tasks.parameters import File, Money

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from backoffice.models import User


def small_amount_of(values: Mapping[str, Any]) -> Money | None:
    """The greatest amount among a run's values, where it is one that may go unconfirmed."""
    if any(isinstance(value, (list, tuple, File)) for value in values.values()):
        return None
    amounts = [value for value in values.values() if isinstance(value, Money)]
    if len({money.currency for money in amounts}) != 1:
        return None
    greatest = max(amounts, key=lambda money: money.amount)
    return greatest if is_small(greatest) else None


def is_small(money: Money) -> bool:
    """Whether a run over this amount may go unconfirmed at all."""
    most = settings.CONFIRMATION_LIMITS.get(money.currency)
    return most is not None and 0 < money.amount <= Decimal(most)


def needs_no_confirmation(person: "User", task: Task, values: Mapping[str, Any]) -> bool:
    """Whether this person wants to start a run with these values without checking it first."""
    amount = small_amount_of(values)
    return (
        amount is not None
        and limits_of(person, task)
        .filter(currency=amount.currency, amount__gte=amount.amount)
        .exists()
    )


def unconfirmed_amounts(person: "User", task: Task) -> list[Money]:
    """Up to how much this person starts runs of this task unconfirmed: one amount a currency."""
    amounts = [Money(limit.amount, limit.currency) for limit in limits_of(person, task)]
    return [money for money in amounts if is_small(money)]


def limits_of(person: "User", task: Task) -> "QuerySet[ConfirmationLimit]":
    return ConfirmationLimit.objects.filter(person=person, task=task).order_by("currency")
