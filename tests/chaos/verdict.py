"""What a trial has brought about, compared run by run: Stripe's ledger, our rows and the books."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import QuerySet

from fixtures.ledger.models import Account, Entry, Payment
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS
from tasks.models import Effect, Run
from tests.chaos.company import BATCH, OWED
from tests.doubles.stripe import StripeDouble

Status = Run.Status
OUTSIDE = {"refund-payment": "refund", "transfer-to-merchant": "transfer"}


@dataclass
class Verdict:
    """The runs with which something is wrong, by what it is. All empty is the promise."""

    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    left_needlessly: list[str] = field(default_factory=list)
    books: list[str] = field(default_factory=list)
    checker: list[str] = field(default_factory=list)


def movements(double: StripeDouble) -> Mapping[str, list[str]]:
    """What has moved for each run. Its id is in the key, also when the rest of the key is wrong."""
    moved: defaultdict[str, list[str]] = defaultdict(list)
    for effect in double.effects():
        moved[effect["idempotency_key"].removeprefix("bo-")[:36]].append(effect["id"])
    return moved


def judge(double: StripeDouble) -> Verdict:
    """Look at everything after the last person has settled the last run."""
    verdict, moved = Verdict(), movements(double)
    entries = Counter(Entry.objects.values_list("reference", flat=True))
    keys = Counter(effect["idempotency_key"] for effect in double.effects())
    for run in Run.objects.exclude(task__slug=BATCH).select_related("task"):
        _judge_run(verdict, run, moved.get(str(run.pk), []), entries[f"run:{run.pk}"])
    for run in Run.objects.filter(task__slug=BATCH):
        _judge_batch(verdict, run, moved.get(str(run.pk), []), keys, entries)
    known = set(map(str, Run.objects.values_list("pk", flat=True)))
    verdict.duplicates += [f"{ids} of no run" for run, ids in moved.items() if run not in known]
    verdict.dropped += [
        _told(run, []) for run in failed_by_themselves() if not moved.get(str(run.pk))
    ]
    verdict.books += _books(double)
    return verdict


def failed_by_themselves() -> QuerySet[Run]:
    """The runs that failed without a person who said so, and before their attempts were used up.

    Nothing that a trial asks for is refused: what ends so was approved, and was not done.
    """
    by_a_person = Run.history.filter(status=Status.FAILED, history_user__isnull=False)
    failed = Run.objects.filter(status=Status.FAILED, attempt__lt=MAX_ATTEMPTS)
    return failed.exclude(pk__in=by_a_person.values("id"))


def _told(run: Run, moved: list[str]) -> str:
    why = f": {run.error}" if run.error else ""
    return f"{run.pk} ({run.headline}, {run.status}{why}): {moved or 'nothing moved'}"


def _judge_run(verdict: Verdict, run: Run, moved: list[str], entries: int) -> None:
    text = _told(run, moved)
    if len(moved) > 1:
        verdict.duplicates.append(text)
    if not run.is_over or run.status == Status.UNCERTAIN:
        verdict.stuck.append(text)
    elif run.status == Status.SUCCEEDED:
        if run.task.slug in OUTSIDE and not moved:
            verdict.lost.append(text)
        if entries != 1:
            verdict.books.append(f"{text}, {entries} entries")
    elif moved or entries:
        verdict.denied.append(text)


def _judge_batch(
    verdict: Verdict, run: Run, moved: list[str], keys: Counter[str], entries: Counter[str]
) -> None:
    """The same for each item: what is done has moved once and is in the books once."""
    text = _told(run, moved)
    if not run.is_over or run.status == Status.UNCERTAIN:
        verdict.stuck.append(text)
    items = run.effects.items().filter(step__startswith="refund:")
    done = set(run.effects.items(Effect.State.DONE).values_list("pk", flat=True))
    if len(moved) > sum(keys[item.key] for item in items) or any(keys[i.key] > 1 for i in items):
        verdict.duplicates.append(text)
    for item in items:
        written = entries[f"run:{run.pk}:{item.step.removeprefix('refund:')}"]
        _judge_item(verdict, f"{item.step} of {text}", item.pk in done, keys[item.key], written)


def _judge_item(verdict: Verdict, text: str, done: bool, moved: int, written: int) -> None:
    if done and not moved:
        verdict.lost.append(text)
    if done and written != 1:
        verdict.books.append(f"{text}, {written} entries")
    if not done and (moved or written):
        verdict.denied.append(text)


def _books(double: StripeDouble) -> Iterator[str]:
    refunded: defaultdict[str, Decimal] = defaultdict(Decimal)
    for effect in double.effects("refund"):
        refunded[effect["on"]] += Decimal(effect["amount"]) / 100
    for payment in Payment.objects.all():
        there = refunded[payment.stripe_payment_intent]
        if payment.refunded != there:
            yield f"{payment}: {payment.refunded} refunded in the books, {there} at Stripe"
    transferred = sum(Decimal(effect["amount"]) / 100 for effect in double.effects("transfer"))
    payables = Account.objects.filter(number__startswith="S-PAYABLE").with_balance()
    owed = sum(account.balance_now for account in payables)
    expected = OWED * len(payables) - transferred - sum(refunded.values())
    if owed != expected:
        yield f"{owed} owed to merchants in the books, {expected} by Stripe's ledger"
