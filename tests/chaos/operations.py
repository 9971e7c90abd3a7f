"""Tasks for the stories in which their worker is killed: credits in our own database, refunds at Stripe."""

import uuid
from decimal import Decimal
from typing import Annotated

from fixtures.ledger import actions
from fixtures.ledger.models import Account, Payment
from tasks.contrib import stripe_payments
from tasks.declaration.limits import Limits
from tasks.declaration.look_up import Found, Sent
from tasks.declaration.registry import Approval, task
from tasks.parameters import Money, Param
from tasks.worker.items import Report
from tasks.worker.task_run import TaskRun

MEMO = "In danger"
ITEMS = range(1, 6)


@task(name="Credit in danger", category="Tests", owner="Testers", timeout=60, idempotent=True)
def credit_in_danger(
    run: TaskRun, number: str, amount: Annotated[Decimal, Param(places=2)]
) -> dict[str, int]:
    """A credit whose worker is killed in the middle."""
    account = Account.objects.get(number=number)
    # A new reference each time: the ledger itself would not notice a second one.
    entry = run.write_once(
        "credit",
        lambda: (
            actions.credit_account(
                account_id=account.pk,
                amount=amount,
                currency="USD",
                memo=MEMO,
                reference=str(uuid.uuid4()),
            ).pk
        ),
    )
    return {"Entry": entry}


@task(
    name="Credits in danger",
    category="Tests",
    owner="Testers",
    timeout=60,
    idempotent=True,
    approval=[Approval("true", groups=["Support Managers"], limits=Limits(first=2))],
)
def credits_in_danger(run: TaskRun, number: str) -> Report:
    """Five credits, of which two run and wait for a look."""
    account = Account.objects.get(number=number)

    def credit(item: int) -> int:
        entry = actions.credit_account(
            account_id=account.pk,
            amount=Decimal(item),
            currency="USD",
            memo=MEMO,
            reference=str(uuid.uuid4()),
        )
        return int(entry.pk)

    return run.write_each("credit", ITEMS, credit, key=str)


REFUNDED = Money(Decimal("5.00"), "USD")


def what_stripe_shows(sent: Sent, payments: str) -> Found:
    """Whether the refund of one of them was made."""
    return stripe_payments.find_refund(sent.step.removeprefix("refund:"), sent)


@task(
    name="Refunds in danger",
    category="Tests",
    owner="Testers",
    timeout=60,
    idempotent=True,
    moves_money=True,
    look_up=what_stripe_shows,
    approval=[Approval("true", groups=["Support Managers"], limits=Limits(first=2))],
)
def refunds_in_danger(run: TaskRun, payments: str) -> Report:
    """A refund of each of these payments, of which two are made and wait for a look."""

    def refund(number: str, key: str) -> object:
        return stripe_payments.refund(number, REFUNDED, key=key, reason="duplicate")

    def write(number: str) -> int:
        entry = actions.record_refund(
            payment_id=Payment.objects.get(stripe_payment_intent=number).pk,
            amount=REFUNDED.amount,
            memo=MEMO,
            reference=f"run:{run.id}:{number}",
        )
        return int(entry.pk)

    report = run.each("refund", payments.split(), refund, key=str)
    run.write_each("books", [str(number) for number in report.answers], write, key=str)
    return report
