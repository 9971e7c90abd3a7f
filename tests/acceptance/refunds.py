"""A refund for the stories in which its worker is killed."""

from decimal import Decimal
from typing import Annotated

from tasks.contrib.stripe_payments import refund
from tasks.declaration.registry import task
from tasks.parameters import Money, Param
from tasks.worker.task_run import TaskRun


@task(name="Refund in danger", category="Tests", owner="Testers", timeout=60, idempotent=True)
def refund_in_danger(
    run: TaskRun, payment: str, amount: Annotated[Decimal, Param(places=2)]
) -> dict[str, str]:
    """A refund whose worker is killed in the middle."""
    money = Money(amount, "USD")
    answer = run.once(
        "refund", lambda key: refund(payment, money, key=key, reason="requested_by_customer")
    )
    return {"Refund": answer["id"]}
