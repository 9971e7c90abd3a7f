"""A task whose step is in our own database, for the stories in which its worker is killed."""

import uuid
from decimal import Decimal
from typing import Annotated

from fixtures.ledger import actions
from fixtures.ledger.models import Account
from tasks.items import Report
from tasks.limits import Limits
from tasks.parameters import Param
from tasks.registry import Approval, task
from tasks.run import TaskRun

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
