"""The company that the trials are about: its books, and Stripe's side of them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from django.contrib.auth import get_user_model

from audit.context import Door, acting
from fixtures.ledger.actions import post_entry
from fixtures.ledger.models import Account, Customer, Entry, Merchant, Payment
from fixtures.people import load_people
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import Task
from tasks.sync import sync_tasks
from tests.doubles.stripe import StripeDouble

BATCH: Final = "refunds-in-danger"
MODULE: Final = "tests.chaos.operations"
TASKS: Final = ("refund-payment", "issue-credit", "transfer-to-merchant", BATCH)
OPENED: Final = date(2026, 1, 5)
PAID: Final = Decimal("500.00")
OWED: Final = Decimal("1000000.00")
SEVERAL: Final = 5


class Company(NamedTuple):
    payments: list[Payment]
    accounts: list[Account]
    merchants: list[Merchant]


def found(payments: int) -> Company:
    """The demo's people and tasks, and as many payments as the trial asks refunds for."""
    with acting(user=None, door=Door.COMMAND, reason="A trial"):
        load_people()
        registry.load([MODULE])
        sync_tasks()
        erin = get_user_model().objects.get(username="erin")
        for slug in TASKS:
            set_right(Task.objects.get(slug=slug), Right.CHANGE, to=erin)
        sam = get_user_model().objects.get(username="sam")
        set_right(Task.objects.get(slug=BATCH), Right.REQUEST, to=sam)
        return _books(payments)


def _books(payments: int) -> Company:
    stripe, _ = (_account(f"{name}-USD") for name in ("S-STRIPE", "S-GOODWILL"))
    customer = Customer.objects.create(name="Pablo Herrera", stripe_customer="cus_1", since=OPENED)
    accounts = [_account(f"A-{number}", customer) for number in range(SEVERAL)]
    merchants = [_merchant(number, stripe) for number in range(SEVERAL)]
    made = [
        Payment(
            customer=customer,
            account=accounts[0],
            merchant=merchants[number % SEVERAL],
            amount=PAID,
            currency="USD",
            stripe_payment_intent=f"pi_chaos{number:04}",
            card_brand="visa",
            card_last4="4242",
            taken_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
        )
        for number in range(payments)
    ]
    return Company(Payment.objects.bulk_create(made), accounts, merchants)


def _account(number: str, customer: Customer | None = None) -> Account:
    kind = "customer" if customer else "system"
    return Account.objects.create(
        number=number, name=number, kind=kind, customer=customer, currency="USD", opened_on=OPENED
    )


def _merchant(number: int, stripe: Account) -> Merchant:
    payable = _account(f"S-PAYABLE-{number}")
    lines = [(payable, OWED), (stripe, -OWED)]
    post_entry(kind=Entry.Kind.PAYMENT, memo="Owed", lines=lines, reference=f"owed:{number}")
    return Merchant.objects.create(
        name=f"Shop {number}", stripe_account=f"acct_{number}", payable=payable
    )


def notify_stripe(double: StripeDouble, company: Company) -> None:
    """Stripe as it is when the books are as they are."""
    double.seed_customer(id="cus_1")
    for merchant in company.merchants:
        double.seed_account(id=merchant.stripe_account)
    double.seed_available(int(OWED) * 100 * SEVERAL)
    for payment in company.payments:
        number = payment.stripe_payment_intent
        double.seed_payment(id=number, amount=int(PAID * 100), customer="cus_1")
