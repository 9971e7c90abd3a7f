"""A form that its address fills in: marked, by the same rules, never sent, never with a secret or a file."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from django.http import QueryDict

from backoffice.models import User
from tasks.models import Run
from tasks.parameters import File, Money, Param, Secret, fill_from, form_for, in_links, read
from tests.tasks.admin.reading import form_of, signed_in, words

Person = Annotated[User, Param(search=("username",))]


def every(
    amount: Annotated[Money, Param(max=500, currencies=("USD", "EUR"))],
    key: Secret,
    file: Annotated[File, Param(accept=(".csv",))],
    at: datetime,
    by: list[Literal["email", "phone"]],
    note: str = "",
) -> str:
    """All of it."""
    return ""


def filled(address: str):
    form = form_for(read(every), person=None)
    return form, fill_from(form, QueryDict(address))


def test_an_address_fills_in_a_form_and_says_so():
    form, said = filled("amount=20&amount_currency=EUR&note=Hello&by=phone&by=email&unknown=1")
    assert form.initial["amount"] == Money(Decimal(20), "EUR")
    assert form.initial["by"] == ["email", "phone"]
    assert (said.labels, said.ignored) == (["Amount", "By", "Note"], [])
    assert not form.is_bound
    html = str(form)
    assert 'value="20.00"' in html
    assert html.count("Filled in by the link.") == 3


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("amount=1e3&amount_currency=USD", "Amount: Enter the amount as 1000.00."),
        ("amount=501&amount_currency=USD", "Amount: The largest allowed is 500."),
        ("amount=20", "Amount: Choose a currency: USD, EUR."),
        ("amount=1&amount=2", "Amount: The link names it more than once."),
        ("key=hunter2", "Key: A link never fills this in. Enter it yourself."),
        ("file=rows.csv", "File: A link never fills this in. Enter it yourself."),
        ("by=fax", "By: Choose one from the list."),
    ],
)
def test_what_cannot_be_taken_is_said_without_what_it_was(address, said):
    form, got = filled(address)
    assert (got.labels, got.ignored) == ([], [said])
    assert "hunter2" not in str(form)


def test_a_copied_link_has_no_secret_and_no_file():
    assert {"key", "file"} & set(in_links(read(every))) == set()
    assert {"amount", "amount_currency", "at", "at-zone", "note"} <= set(in_links(read(every)))


def test_a_time_in_a_link_keeps_its_zone():
    form, _ = filled("at=2026-01-31T14:30&at-zone=America/New_York")
    assert form.initial["at"].isoformat() == "2026-01-31T19:30:00+00:00"


def test_an_object_is_found_by_its_key_or_by_its_number(alice, bob):
    def greet(person: Person) -> str:
        return ""

    for named in (str(bob.pk), bob.username, bob.username.upper()):
        form = form_for(read(greet), person=alice)
        assert fill_from(form, QueryDict(f"person={named}")).labels == ["Person"]
        assert form.initial["person"] == bob
    form = form_for(read(greet), person=alice)
    (said,) = fill_from(form, QueryDict("person=nobody")).ignored
    assert said == "Person: Choose one of the people you can see."


def test_the_page_shows_it_and_sends_nothing(task, alice):
    page = signed_in(alice).get(form_of(task), {"amount": "20", "run-ticket": "SUP-1"})
    text = words(page)
    assert "A link filled in this form: Amount. Check it before you send it." in text
    assert 'value="20.00"' in page.content.decode()
    assert 'data-copy-link="amount amount_currency amount-zone"' in page.content.decode()
    assert not Run.objects.exists()


def test_an_earlier_run_is_not_mixed_with_a_link(task, alice, ask):
    run = ask("30.00")
    page = signed_in(alice).get(form_of(task), {"amount": "20", "again": run.pk})
    assert "A link filled in" not in words(page)
    assert 'value="30.00"' in page.content.decode()
