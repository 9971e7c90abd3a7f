"""The people of a trial: they ask, they agree, and they settle what nobody else can."""

import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection

from approvals.actions import decide
from approvals.models import ApprovalRequest
from audit.context import Door
from audit.transitions import Refusal
from fixtures.ledger import actions as ledger
from fixtures.ledger.models import Entry, Payment
from tasks import parameters
from tasks.actions import (
    Finding,
    NothingToLookUp,
    NotResolved,
    look_up,
    pause_run,
    request_run,
    resolve_run,
    resume_run,
)
from tasks.actions.runs.effects import sent_too_long_ago
from tasks.declaration.registry import registry
from tasks.models import Effect, Pause, Run, Task
from tasks.parameters import Money
from tests.chaos.company import BATCH, Company
from tests.chaos.operations import REFUNDED

# Small ones need no approval, in the tasks as they are; two people agree to each transfer.
AMOUNTS: Final = ("5.00", "49.90", "120.00", "240.00")
KINDS: Final = {"refund": 5, "credit": 2, "transfer": 3, "batch": 1}
APPROVERS: Final = {
    "refund-payment": ("mona",),
    "issue-credit": ("max",),
    "transfer-to-merchant": ("olga", "otto"),
    BATCH: ("mike",),
}
IN_A_BATCH: Final = 4
LOOKED: Final = "Looked at Stripe's ledger and at ours"


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


class Staff:
    """`choices` decides what is asked for. What the database does not hear is not asked again.

    `batches` says whether runs over many items are asked for, too.
    """

    def __init__(self, company: Company, choices: random.Random, *, batches: bool) -> None:
        self.company, self.choices = company, choices
        self.kinds = KINDS if batches else {**KINDS, "batch": 0}
        self.people = {person.username: person for person in get_user_model().objects.all()}
        self.tasks = {task.slug: task for task in Task.objects.all()}
        self.refundable = list(company.payments)

    def ask(self) -> None:
        """Ask for one of the kinds, and agree to it where that is needed."""
        [kind] = self.choices.choices([*self.kinds], [*self.kinds.values()])
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

    def _batch(self) -> tuple[str, str, Mapping[str, Any]]:
        numbers = [self.refundable.pop().stripe_payment_intent for _ in range(IN_A_BATCH)]
        return "sam", BATCH, {"payments": " ".join(numbers)}

    def agree(self, run: Run) -> None:
        """Everybody who has to, all at the same time, and each of them twice as by a double click."""
        logins = APPROVERS[run.task.slug]
        with ThreadPoolExecutor(2 * len(logins)) as at_once:
            for decided in [at_once.submit(self._click, run, login) for login in logins * 2]:
                decided.result()
        for login in logins:  # whose turn came only after another's
            if unless_away(lambda login=login: self._is_missing(run, login)):  # type: ignore[misc]
                self._click(run, login)

    def _is_missing(self, run: Run, login: str) -> bool:
        waits = ApprovalRequest.objects.filter(run=run, status=ApprovalRequest.Status.PENDING)
        return waits.exclude(decisions__decided_by=self.people[login]).exists()

    def _click(self, run: Run, login: str) -> None:
        """The second of two decisions of one person is refused."""
        with suppress(Refusal):
            unless_away(lambda: self._decide(run, login))
        if threading.current_thread() is not threading.main_thread():
            connection.close()

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

    def pause(self) -> None:
        """Ask a batch that is running to pause, if there is one."""
        batch = Run.objects.filter(task__slug=BATCH, status=Run.Status.RUNNING).first()
        if batch:
            with suppress(Refusal):  # it may be over meanwhile, or have no items yet
                pause_run(batch.pk, by=self.people["sam"], door=Door.ADMIN)

    def look(self) -> None:
        """Let everything go on that has paused: what waits for a look once somebody has looked."""
        paused = Pause.objects.filter(resumed_at=None, ended_at=None)
        for pause in paused.select_related("approval", "run"):
            with suppress(Refusal):  # who was heard before the database went away has done it
                self._go_on(pause)

    def _go_on(self, pause: Pause) -> None:
        if asked := pause.approval:
            mike = self.people["mike"]
            decide(asked.pk, decided_by=mike, verdict="approve", seal=asked.seal, door=Door.ADMIN)
        else:
            resume_run(pause.run_id, by=pause.run.requested_by, door=Door.ADMIN)

    def resolve(self, run: Run, moved: set[str], *, again: bool) -> None:
        """Erin has looked. `moved` are the keys under which money has moved at Stripe."""
        if run.task.slug == BATCH:
            self._resolve_batch(run, moved, again=again)
        elif _happened(run, moved):
            self._record(run, Finding.HAPPENED)
            _post(run)
        elif again and not sent_too_long_ago(run):
            self._record(run, Finding.SEND_AGAIN, Finding.DID_NOT)
        else:
            self._record(run, Finding.DID_NOT)

    def _resolve_batch(self, run: Run, moved: set[str], *, again: bool) -> None:
        """Of several without an answer some may have happened: sent again, those are found."""
        open_ = set(run.effects.items(Effect.State.OPEN).values_list("key", flat=True))
        if again or not open_ or open_ & moved:
            found = self._record(run, Finding.SEND_AGAIN, Finding.GO_ON, Finding.DID_NOT)
        else:
            found = self._record(run, Finding.DID_NOT)
        if found != Finding.DID_NOT:
            return
        for item in run.effects.items(Effect.State.DONE):
            _post_item(run, item.step)

    def _record(self, run: Run, *findings: Finding) -> Finding:
        """Look it up, and record the first of these findings that is open."""
        erin = self.people["erin"]
        with suppress(NothingToLookUp):
            look_up(run.pk, by=erin, door=Door.ADMIN)
        *others, last = findings
        for finding in others:
            with suppress(NotResolved):
                resolve_run(run.pk, finding=finding, by=erin, door=Door.ADMIN, reason=LOOKED)
                return finding
        resolve_run(run.pk, finding=last, by=erin, door=Door.ADMIN, reason=LOOKED)
        return last


def _happened(run: Run, moved: set[str]) -> bool:
    keys = set(run.effects.values_list("key", flat=True))
    return bool(keys & moved) or Entry.objects.filter(reference=f"run:{run.pk}").exists()


def _post_item(run: Run, step: str) -> None:
    """Put one refund of a batch into the books, which the batch would have done at its end."""
    name, _, number = step.partition(":")
    if name == "refund":
        payment = Payment.objects.get(stripe_payment_intent=number)
        reference = f"run:{run.pk}:{number}"
        ledger.record_refund(
            payment_id=payment.pk, amount=REFUNDED.amount, memo=LOOKED, reference=reference
        )


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
