"""The people of a trial: they ask, they agree, and they settle what nobody else can."""

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection

from approvals.actions import decide
from approvals.models import ApprovalRequest
from audit.context import Door
from fixtures.ledger import actions as ledger
from fixtures.ledger.models import Entry
from tasks import parameters
from tasks.actions import Finding, request_run, settle_run
from tasks.models import Run, Task
from tasks.parameters import Money
from tasks.registry import registry
from tests.chaos.company import Company

# Small ones need no approval, in the tasks as they are; two people agree to each transfer.
AMOUNTS: Final = ("5.00", "49.90", "120.00", "240.00")
APPROVERS: Final = {
    "refund-payment": ("mona",),
    "issue-credit": ("max",),
    "transfer-to-merchant": ("olga", "otto"),
}
LOOKED: Final = "Looked at Stripe's ledger and at ours"


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


class Staff:
    """`choices` decides what is asked for. What the database does not hear is not asked again."""

    def __init__(self, company: Company, choices: random.Random) -> None:
        self.company, self.choices = company, choices
        self.people = {person.username: person for person in get_user_model().objects.all()}
        self.tasks = {task.slug: task for task in Task.objects.all()}
        self.refundable = list(company.payments)

    def ask(self) -> None:
        """Ask for a refund, a credit or a transfer, and agree to it where that is needed."""
        kind = self.choices.choices(("refund", "credit", "transfer"), (5, 2, 3))[0]
        login, slug, values = getattr(self, f"_{kind}")()
        run = unless_away(
            lambda: request_run(
                self.tasks[slug].pk,
                requested_by=self.people[login],
                door=Door.ADMIN,
                values=values,
                reason="The customer called",
            )
        )
        if run and run.needs_approval:
            self.agree(run)

    def _refund(self) -> tuple[str, str, Mapping[str, Any]]:
        payment, amount = self.refundable.pop(), usd(self.choices.choice(AMOUNTS))
        values = {"payment": payment.pk, "amount": amount, "reason": "duplicate"}
        return "sam", "refund-payment", values

    def _credit(self) -> tuple[str, str, Mapping[str, Any]]:
        account = self.choices.choice(self.company.accounts)
        values = {"account": account.pk, "amount": usd(self.choices.choice(AMOUNTS))}
        return "sue", "issue-credit", values

    def _transfer(self) -> tuple[str, str, Mapping[str, Any]]:
        merchant, amount = self.choices.choice(self.company.merchants), self.choices.choice(AMOUNTS)
        values = {"merchant": merchant.pk, "amount": usd(amount), "memo": "Early"}
        return "cass", "transfer-to-merchant", values

    def agree(self, run: Run) -> None:
        """Everybody who has to."""
        for login in APPROVERS[run.task.slug]:
            if not run.approval.decisions.filter(decided_by=self.people[login]).exists():  # type: ignore[union-attr]
                unless_away(lambda login=login: self._decide(run, login))  # type: ignore[misc]

    def _decide(self, run: Run, login: str) -> None:
        person = self.people[login]
        assert run.approval_id
        decide(
            run.approval_id, decided_by=person, verdict="approve", seal=run.seal, door=Door.ADMIN
        )

    def agree_to_the_rest(self) -> None:
        """To whatever was asked or half agreed to while the database went away."""
        waiting = ApprovalRequest.Status.PENDING
        for run in Run.objects.filter(approval__status=waiting).select_related("task", "approval"):
            self.agree(run)

    def settle(self, run: Run, moved: set[str], *, again: bool) -> None:
        """Erin has looked. `moved` are the keys under which money has moved at Stripe."""
        if _happened(run, moved):
            self._record(run, Finding.HAPPENED)
            _post(run)
        elif again:
            self._record(run, Finding.SEND_AGAIN)
        else:
            self._record(run, Finding.DID_NOT)

    def _record(self, run: Run, finding: Finding) -> None:
        settle_run(run.pk, finding=finding, by=self.people["erin"], door=Door.ADMIN, reason=LOOKED)


def _happened(run: Run, moved: set[str]) -> bool:
    keys = set(run.effects.values_list("key", flat=True))
    return bool(keys & moved) or Entry.objects.filter(reference=f"run:{run.pk}").exists()


def _post(run: Run) -> None:
    """Put into the books what Stripe has done, as the run would have done it."""
    asked = parameters.thaw(parameters.read(registry.get(run.task.slug).function), run.values)
    known = {"amount": asked["amount"].amount, "memo": LOOKED, "reference": f"run:{run.pk}"}
    if "payment" in asked:
        ledger.record_refund(payment_id=asked["payment"].pk, **known)
    if "merchant" in asked:
        ledger.record_transfer(merchant_id=asked["merchant"].pk, currency="USD", **known)


def unless_away[T](act: Callable[[], T]) -> T | None:
    """Do it, unless the database goes away meanwhile: nobody knows then whether it was done."""
    try:
        return act()
    except (OperationalError, InterfaceError):
        connection.close()
        return None
