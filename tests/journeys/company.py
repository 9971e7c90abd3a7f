"""The company as it is: the product's own functions on PostgreSQL, and what the world has seen of them.

Things are named as the oracle names them: people by their names, requests by their numbers. Each example
has a company of its own; the rows of those before it stay where they are.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Annotated, Final

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from audit.context import Door
from audit.transitions import Refusal, transition
from backoffice.actions import deactivate_person, end_administrator
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import (
    RuleSpec,
    adopt_task,
    cancel_run,
    propose_end,
    propose_rule,
    request_run,
    start_run,
)
from tasks.actions.changes.grants import set_right
from tasks.actions.stops import propose_start, stop_tasks
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import ApprovalRule, Run, Stop, Task
from tasks.outputs import Change
from tasks.parameters import Money, Param
from tasks.worker.execution import execute
from tasks.worker.task_run import TaskRun
from tests.journeys.oracle import FREE, Rule
from tests.owner import behind_the_guards
from tests.people import join, person

DONE: Final = "done"
ABOVE: Final = f"amount > {FREE}"
WHY: Final = "The parcel was late"
GROUPS: Final = ("managers", "finance")
PEOPLE: Final = {
    "alice": ["managers"],
    "bob": ["managers"],
    "carol": ["managers", "finance"],
    "dave": ["managers"],
    "erin": ["finance"],
    "mallory": [],
    "root": [],
    "wilma": [],
}
# As the oracle calls what people read.
WORDS: Final = {"awaiting": "waits", "queued": "in line", "succeeded": "done"}
_companies = count(1)

type Amount = Annotated[Money, Param(min="0.01", max=5000)]


def said(call: Callable[[], object]) -> str:
    """“done”, or the name of the refusal. Whatever else is raised is a fault, and passes."""
    try:
        call()
    except (Refusal, ValidationError) as refusal:
        return type(refusal).__name__
    return DONE


class Company:
    """Alice and Bob ask for credits, managers and finance agree, Root and Wilma administer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.balance = 10
        self.ledger: list[int] = []
        self.numbers = count(1)
        self.runs: dict[int, Run] = {}
        self.groups = {each: Group.objects.create(name=f"{each} of {name}") for each in GROUPS}
        self.people = {
            each: person(f"{each}-{name}", is_superuser=each == "root") for each in PEOPLE
        }
        for each, groups in PEOPLE.items():
            for group in groups:
                join(self.people[each], self.groups[group])

    @property
    def task(self) -> Task:
        return Task.objects.get(slug=self.name)

    # --- The task -----------------------------------------------------------------------------

    def code(self, rules: Iterable[Rule]) -> RegisteredTask:
        return RegisteredTask(
            slug=self.name,
            name="Credit",
            category="Tests",
            owner="Testers",
            description="Give a customer a credit.",
            function=self._credit,
            preview=self._preview,
            approval=tuple(self._suggested(rule) for rule in rules),
            source_hash="1" * 64,
        )

    def _suggested(self, rule: Rule) -> Approval:
        group = self.groups[rule.group].name
        return Approval(ABOVE, [group], needed=rule.needed, may_serve_twice=rule.twice)

    def _credit(self, run: TaskRun, amount: Amount) -> None:
        run.once("credit", lambda key: self.ledger.append(int(amount.amount)))

    def _preview(self, amount: Amount) -> list[Change]:
        return [Change("Balance", f"{self.balance}", f"{self.balance + amount.amount}")]

    def deploy(self, version: int) -> None:
        """Put changed code behind the task, in every worker and in the database."""
        changed = replace(registry.get(self.name), source_hash=f"{version:064}")
        registry._tasks[self.name] = changed
        adopt_task(changed)

    # --- What people do: it happens, or raises a refusal --------------------------------------

    def ask(self, number: int, who: str, amount: int, *, instead_of: int | None = None) -> None:
        self.runs[number] = request_run(
            self.task.pk,
            requested_by=self.people[who],
            door=Door.ADMIN,
            values={"amount": str(amount), "amount_currency": "USD"},
            reason=WHY,
            revises=None if instead_of is None else self.run(instead_of),
        )

    def answer(self, number: int, who: str, verdict: str, *, shown: int, reason: bool) -> None:
        """`shown` is the number of what they saw; one that nobody asked for is forged."""
        approvals.decide(
            self.runs[number].approval_id or "",
            decided_by=self.people[who],
            verdict=verdict,
            seal=self.runs[shown].seal if shown in self.runs else "0" * 64,
            door=Door.ADMIN,
            reason=WHY if reason else "",
        )

    def withdraw(self, number: int, who: str) -> None:
        request = self.runs[number].approval_id or ""
        approvals.withdraw(request, by=self.people[who], door=Door.ADMIN, reason=WHY)

    def cancel(self, number: int, who: str) -> None:
        cancel_run(self.runs[number].pk, by=self.people[who], door=Door.ADMIN, reason=WHY)

    def stop(self) -> None:
        stop_tasks(
            Stop.Scope.TASK, task=self.task, by=self.people["root"], door=Door.ADMIN, reason=WHY
        )

    def start(self) -> None:
        stop = Stop.objects.get(task=self.task, ended_at=None)
        root = self.people["root"]
        self._agreed(propose_start(stop.pk, by=root, door=Door.ADMIN, reason=WHY))

    def replace_rules(self, rules: Iterable[Rule]) -> None:
        """Root proposes these, and to end the others, and Wilma agrees; or nothing of it happens."""
        root = self.people["root"]
        others = list(ApprovalRule.objects.filter(task__slug=self.name, ended_at=None))
        with transaction.atomic():
            for position, rule in enumerate(rules, start=1):
                spec = self._spec(rule, position)
                new = propose_rule(self.task.pk, spec=spec, by=root, door=Door.ADMIN, reason=WHY)
                self._agreed(new.approval)
            for old in others:
                ended = propose_end(old.pk, by=root, door=Door.ADMIN, reason=WHY)
                self._agreed(ended.approval)

    def _agreed(self, asked: ApprovalRequest | None) -> None:
        assert asked, "Root does not administer alone."
        approvals.decide(
            asked.pk,
            decided_by=self.people["wilma"],
            verdict="approve",
            seal=asked.seal,
            door=Door.ADMIN,
        )

    def _spec(self, rule: Rule, position: int) -> RuleSpec:
        return RuleSpec(
            rule.group,
            ABOVE,
            groups=[self.groups[rule.group]],
            needed=rule.needed,
            position=position,
            may_serve_twice=rule.twice,
        )

    # --- People and rights --------------------------------------------------------------------

    def leave(self, who: str, group: str) -> None:
        self._member(approvals.remove_member, who, group)

    def join(self, who: str, group: str) -> None:
        self._member(approvals.add_member, who, group)

    def _member(self, change: Callable[..., None], who: str, group: str) -> None:
        root, user = self.people["root"], self.people[who]
        change(user=user, group=self.groups[group], by=root, door=Door.ADMIN, reason=WHY)

    def close(self, who: str) -> None:
        root = self.people["root"]
        deactivate_person(self.people[who].pk, by=root, door=Door.ADMIN, reason=WHY)

    def reopen(self, who: str) -> None:
        """What two administrators have agreed to."""
        with transition(by=self.people["root"], door=Door.ADMIN, reason=WHY):
            user = User.objects.get(pk=self.people[who].pk)
            user.is_active = True
            user.save(update_fields=["is_active"])

    def allow(self, who: str) -> None:
        set_right(self.task, Right.EXECUTE, to=self.people[who])

    def disallow(self, who: str) -> None:
        set_right(self.task, None, to=self.people[who])

    # --- What nobody does ---------------------------------------------------------------------

    def deliver(self, number: int) -> None:
        """A worker gets the message of this run."""
        execute(str(self.runs[number].pk))

    def claim(self, number: int) -> None:
        """A worker gets it, and comes no further than to claim the run."""
        start_run(self.runs[number].pk, worker="test:1", door=Door.WORKER)

    def deliver_tampered(self, number: int) -> None:
        """The owner of the tables has changed what was sealed; they put it back afterwards."""
        change = "UPDATE tasks_run SET reason = %(reason)s WHERE id = %(id)s"
        run = self.run(number)
        behind_the_guards(change, {"id": run.pk, "reason": "Another"})
        self.deliver(number)
        behind_the_guards(change, {"id": run.pk, "reason": run.reason})

    def time_passes(self, number: int) -> None:
        """The time of a request is over, if it still waits."""
        late = """UPDATE approvals_approvalrequest SET expires_at = clock_timestamp()
            WHERE id = %(id)s AND status = 'pending'"""
        behind_the_guards(late, {"id": self.runs[number].approval_id})

    def sweep(self) -> None:
        approvals.expire_due(door=Door.SCHEDULE)

    # --- What people read ---------------------------------------------------------------------

    def run(self, number: int) -> Run:
        return Run.objects.select_related("approval").get(pk=self.runs[number].pk)

    def standings(self) -> dict[int, tuple[str, int]]:
        """Where each request stands, and how many have agreed to it."""
        agreed = Count("approval__decisions", filter=Q(approval__decisions__verdict="approve"))
        rows = Run.objects.filter(task__slug=self.name).annotate(agreed=agreed)
        numbers = {run.pk: number for number, run in self.runs.items()}
        return {
            numbers[run.pk]: (_in_words(run), run.agreed) for run in rows.select_related("approval")
        }

    def asked_instead_of(self, number: int) -> list[str]:
        """Where that stands which was asked anew for this request."""
        runs = Run.objects.filter(revises=self.runs[number].pk).select_related("approval")
        return [_in_words(run) for run in runs]


def _in_words(run: Run) -> str:
    if run.status == Run.Status.CANCELLED and run.approval:
        return "taken back" if run.approval.status == "withdrawn" else "cancelled"
    return WORDS.get(run.status, run.status)


@contextmanager
def company(rules: Iterable[Rule]) -> Iterator[Company]:
    """A company on its first day, under these rules."""
    there = Company(f"company{next(_companies)}")
    code = there.code(rules)
    with registry.temporarily(code):
        adopt_task(code)
        for name in ("alice", "bob"):
            there.allow(name)
        set_right(there.task, Right.CHANGE, to=there.people["wilma"])
        yield there
    # Nobody of it has a say in the next one.
    end_administrator(there.people["root"].pk, door=Door.COMMAND, reason=WHY)
