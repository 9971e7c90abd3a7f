"""Small amounts that a person chose to run without the page that asks them to check."""

from decimal import Decimal

import pytest

from audit.context import Door
from tasks.actions import NotSmall, confirm_again, skip_confirmation
from tasks.checks import check_confirmation_limits
from tasks.models import ConfirmationLimit, Run
from tasks.parameters import Money
from tasks.runs.confirmation_limits import needs_no_confirmation, unconfirmed_amounts
from tests.tasks.admin.reading import form_of, page_of, signed_in, words
from tests.tasks.admin.test_confirm_page import seal

pytestmark = pytest.mark.django_db(transaction=True)


def money(amount, currency="USD"):
    return Money(Decimal(amount), currency)


def credit(amount):
    why = f"The parcel of {amount} was late"
    return {"amount": amount, "amount_currency": "USD", "run-reason": why}


def is_shown_first(answer):
    return "Check before it runs" in words(answer)


@pytest.fixture
def client(task, alice):
    """Of a person who has chosen to run up to 12.00 USD without the page."""
    skip_confirmation(task.pk, up_to=money("12.00"), by=alice, door=Door.ADMIN)
    return signed_in(alice)


def test_it_is_chosen_on_the_page_of_a_small_amount(task, alice):
    client = signed_in(alice)
    first = client.post(form_of(task), credit("12.00"))
    assert "From now on, run this task up to 12.00 USD without this page" in words(first)
    skip = {"run-unconfirmed": "12.00 USD", "run-seen": seal(first)}
    assert client.post(form_of(task), credit("12.00") | skip).url == page_of(Run.objects.get())
    assert unconfirmed_amounts(alice, task) == [money("12.00")]


def test_up_to_the_chosen_amount_it_runs_at_once(task, client):
    client.post(form_of(task), credit("11.00"))
    assert Run.objects.count() == 1


def test_more_is_shown(task, client):
    assert is_shown_first(client.post(form_of(task), credit("12.01")))
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("values", "unseen"),
    [
        ({"amount": money("11.00")}, True),
        ({"amount": money("11.00"), "fee": money("12.01")}, False),
        ({"amount": money("11.00", "EUR")}, False),
        ({"amount": money("11.00"), "fee": money("1.00", "EUR")}, False),
        ({"amount": money("11.00"), "file": []}, False),
        ({"account": "A-1"}, False),
    ],
)
def test_only_amounts_within_the_limit_go_unseen(task, client, alice, values, unseen):
    assert needs_no_confirmation(alice, task, values) is unseen


def test_what_has_a_like_run_is_shown_whatever_was_chosen(task, client):
    client.post(form_of(task), credit("11.00"))
    again = client.post(form_of(task), credit("11.00") | {"run-reason": "Once more"})
    assert "There is another run about the same" in words(again)
    assert "From now on" not in words(again)


def test_the_form_says_so_and_it_can_be_taken_back(task, client):
    assert "You run this up to 12.00 USD without checking it first" in words(
        client.get(form_of(task))
    )
    client.post(f"{form_of(task)}confirm/")
    assert is_shown_first(client.post(form_of(task), credit("5.00")))


def test_a_lower_limit_of_the_house_holds_at_once(task, client, settings):
    settings.CONFIRMATION_LIMITS = {"USD": "10"}
    assert is_shown_first(client.post(form_of(task), credit("11.00")))
    assert "without checking it first" not in words(client.get(form_of(task)))


def test_nobody_skips_a_large_amount(task, alice):
    client = signed_in(alice)
    first = client.post(form_of(task), credit("50.01"))
    assert "From now on" not in words(first)
    with pytest.raises(NotSmall, match="always shown"):
        skip_confirmation(task.pk, up_to=money("50.01"), by=alice, door=Door.ADMIN)


def test_it_is_each_persons_own(task, client, alice, bob):
    confirm_again(task.pk, by=bob, door=Door.ADMIN)
    assert [limit.person for limit in ConfirmationLimit.objects.all()] == [alice]


@pytest.mark.parametrize(
    ("limits", "wrong"), [({"USD": "50"}, 0), ({"USD": "a lot"}, 1), ({"Dollar": "5"}, 1)]
)
def test_a_wrong_setting_is_found(settings, limits, wrong):
    settings.CONFIRMATION_LIMITS = limits
    assert len(check_confirmation_limits()) == wrong
