"""A task whose step is in our own database, for the stories in which its worker is killed."""

import uuid
from decimal import Decimal
from typing import Annotated

from fixtures.ledger import actions
from fixtures.ledger.models import Account
from tasks.parameters import Param
from tasks.registry import task
from tasks.run import TaskRun

MEMO = "In danger"


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
