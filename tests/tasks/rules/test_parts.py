"""Conditions as parts of a form: read, written again, and the same."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from backoffice.models import User
from tasks import parameters
from tasks.parameters import Money, Param
from tasks.rules.conditions import Condition, check_condition
from tasks.rules.parts import Fields, Kind, Part, read, typed, written

pytestmark = pytest.mark.django_db


Amount = Annotated[Money, Param(currencies=("USD", "EUR"))]
Somebody = Annotated[User, Param(search=("username",))]


def work(
    amount: Amount,
    kind: Literal["fraud", "chargeback"],
    due: date,
    at: datetime,
    who: Somebody,
    ways: list[Literal["a", "b"]],
    note: str = "",
    fee: Decimal | None = None,
    stars: Literal[1, 2, 3] = 1,
    urgent: bool = False,
    until: date | None = None,
) -> None:
    """Takes one of each kind."""


@pytest.fixture
def fields(alice):
    Group.objects.create(name='Night "shift"')
    return Fields(parameters.read(work))


SHOWN = [
    "true",
    "amount > 50.00",
    'amount >= -5 and amount_currency != "USD"',
    'amount_currency != "USD" or sum(amount) by who over 24 hours + amount > 500',
    "(amount > 1 and urgent == true) or (amount > 2 and urgent == false) or stars == 3",
    'kind in ["fraud", "chargeback"]',
    'not kind in ["fraud"]',
    '"refund" in note',
    'not "refund" in note and note != "x"',
    'note == "a \\"quote\\" and a \\\\ in it"',
    'due < d"2026-12-31" and at >= d"2026-01-31T10:30"',
    "(fee ?? 0) > 3",
    "fee == 3 or fee == null",
    "fee != null",
    "until == null",
    '"a" in ways',
    '"Night \\"shift\\"" in requester_groups',
    'requester != "alice" and door != "admin"',
    "sum(fee) by kind and requester over 1 hour + (fee ?? 0) > 5",
    "sum(amount) by task over 7 days > 5",
    "count() by requester over 30 minutes >= 5",
]
CODE = [
    "amount * 2 > 100",
    "(amount > 1 or urgent == true) and stars == 2",
    "note.length > 5",
    '(kind ?? "fraud") == "fraud"',
    "(fee ?? 9) > 3",
    "amount > stars",
    "sum(amount) by who over 24 hours + 5 > 500",
    'at == d"2026-01-31T10:30"',
    'kind > "a"',
]


@pytest.mark.parametrize("text", SHOWN)
def test_a_condition_is_shown_as_parts_and_written_the_same(text, fields):
    check_condition(text, fields.declared)
    parts = read(text, fields)
    assert parts is not None
    assert written(parts, fields) == text


@pytest.mark.parametrize("text", CODE)
def test_what_no_form_shows_stays_code(text, fields):
    Condition.of(text, fields.declared)
    assert read(text, fields) is None


@pytest.mark.parametrize("text", ["amount >", "nobody > 1", "amount > 1.250", 'kind == "gone"'])
def test_what_cannot_be_answered_stays_code(text, fields):
    assert read(text, fields) is None


def test_other_ways_to_write_the_same_are_shown_too(fields):
    same = {
        "not urgent": "urgent == false",
        "100 < amount": "amount > 100",
        "not (amount > 1 or urgent)": "amount <= 1 and urgent == false",
        "amount > 1 and (stars == 1 and urgent)": "amount > 1 and stars == 1 and urgent == true",
    }
    for text, plain in same.items():
        assert written(read(text, fields), fields) == plain


def test_every_task_offers_its_own_fields_and_what_they_can_be(fields):
    offered = {field.name: field for field in fields}
    assert offered["amount_currency"].options == {'"USD"': "USD", '"EUR"': "EUR"}
    assert offered["kind"].options == {'"fraud"': "Fraud", '"chargeback"': "Chargeback"}
    assert offered["stars"].options == {"1": "1", "2": "2", "3": "3"}
    assert offered["requester_groups"].options['"Night \\"shift\\""'] == 'Night "shift"'
    assert "who" not in offered  # nobody knows its key; a total can go by it
    assert "who" in fields.groupings
    assert [name for name in offered if offered[name].kind == Kind.TOTAL] == [
        "sum(amount)", "sum(fee)", "count()",
    ]  # fmt: skip
    assert "gt" not in offered["until"].comparisons  # what would an empty one count as?


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("amount", " 50.00 ", "50.00"),
        ("note", 'a" or true or "', '"a\\" or true or \\""'),
        ("note", "\\", '"\\\\"'),
        ("due", "2026-12-31", 'd"2026-12-31"'),
        ("at", "2026-12-31T10:30", 'd"2026-12-31T10:30"'),
    ],
)
def test_a_value_is_written_as_one_whatever_is_in_it(name, text, found, fields):
    assert typed(fields[name], text) == found


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("amount", "1.250", "can be read in two ways. Write 1250, or 1.25."),
        ("amount", "1,250", "can be read in two ways. Write 1250, or 1.25."),
        ("amount", "1 250", "Write 1 250 without separators: 1250."),
        ("amount", "5 or true", "Enter a number such as 1000.00."),
        ("amount", "", "Enter a value."),
        ("due", "31.12.2026", "Enter a date such as 2026-01-31."),
        ("note", "two\nlines", "Enter a text of one line."),
    ],
)
def test_a_value_that_is_none_is_explained(name, text, said, fields):
    with pytest.raises(ValidationError) as refused:
        typed(fields[name], text)
    assert said in " ".join(refused.value.messages)


def other_kinds(
    at: time,
    lasts: timedelta,
    key: UUID,
    words: list[str],
    numbers: list[int],
    days: list[date],
    count: int | None = None,
) -> None:
    """Takes what is less usual."""


SAMPLES = {
    Kind.NUMBER: "5", Kind.TOTAL: "5", Kind.TEXT: "5f0c1c34-7a1e-4b8e-9d57-0d7b4f1f6a11",
    Kind.DAY: "2026-12-31", Kind.MOMENT: "2026-12-31T10:30", Kind.LIST: "a",
}  # fmt: skip


def test_whatever_a_task_offers_can_be_compared(fields):
    Group.objects.create(name="Another group")
    for offered in (fields, Fields(parameters.read(other_kinds))):
        for field in offered:
            if field.name in ("requester", "at"):
                continue  # it must be somebody's; a time of day is a text of its own form
            value = next(iter(field.options or ()), "true")
            if field.options is None and field.kind != Kind.YES_NO:
                value = typed(field, SAMPLES[field.kind])
            comparison = next(iter(field.comparisons))
            total = ((), 24, "hour", bool(field.adds)) if field.kind == Kind.TOTAL else ()
            part = Part(field.name, comparison, (value,), False, *total)
            text = written([part], offered)
            check_condition(text, offered.declared)
            assert read(text, offered) == [part]
    assert not {"numbers", "days"} & {field.name for field in Fields(parameters.read(other_kinds))}
