"""S11, S61: what an author may write, and what they are told when it cannot work."""

from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import pytest
from django.contrib.auth.models import Group

from tasks.parameters import DeclarationError, File, Money, Param, Secret, read
from tests.tasks.parameters.asking import Channel, taking

if TYPE_CHECKING:
    from tasks.worker.task_run import TaskRun

type Reference = Annotated[str, Param(label="Payment", help="From the receipt.")]


def names(function):
    return [parameter.name for parameter in read(function)]


def test_the_run_is_no_parameter():
    def task(run: "TaskRun", amount: Money): ...

    assert names(task) == ["amount"]


def test_a_parameter_called_run_is_one():
    def task(run: str): ...

    assert names(task) == ["run"]


def test_hints_may_be_texts():
    def task(amount: "Money", day: "date | None" = None): ...

    assert [type(p.kind).__name__ for p in read(task)] == ["MoneyKind", "DateKind"]


def test_a_decorated_function_is_read_through():
    def task(amount: Money): ...

    @wraps(task)
    def wrapper(*args, **kwargs):
        return task(*args, **kwargs)

    assert names(wrapper) == ["amount"]


@pytest.mark.parametrize(
    "hint",
    [
        Annotated[str, Param(label="Payment")] | None,
        Annotated[str | None, Param(label="Payment")],
        Optional[Annotated[str, Param(label="Payment")]],  # noqa: UP045 -- authors write this too
        Reference | None,
    ],
)
def test_none_and_param_may_be_written_in_any_order(hint):
    (parameter,) = read(taking(value=hint))
    assert (parameter.label, parameter.optional, parameter.required) == ("Payment", True, False)


def test_a_parameter_is_required_unless_it_has_a_default_or_may_be_none():
    required = {
        p.name: p.required
        for hint, default in [(str, "x"), (str | None, None)]
        for p in read(taking(needed=str, value=hint, default=default))
    }
    assert required == {"needed": True, "value": False}


def test_the_label_is_made_of_the_name():
    assert read(taking(external_ref=str))[0].label == "External ref"


def untyped(value): ...


def starred(*values: str): ...


def keywords(**values: str): ...


def positional(value: str, /): ...


def unresolved(value: "NoSuchType"): ...  # type: ignore[name-defined]  # noqa: F821


def late(value: Annotated[str, Param(only_if={"kind": "x"})], kind: str): ...


def never(kind: Literal["a"], value: Annotated[str, Param(only_if={"kind": "b"})]): ...


def like_no_number(
    number: Annotated[str, Param(pattern=("A-[0-9]+", "Like A-1."))],
    value: Annotated[str, Param(only_if={"number": "1"})],
): ...


def beyond(
    count: Annotated[int, Param(max=9)], value: Annotated[str, Param(only_if={"count": 10})]
): ...


def by_money(amount: Money, value: Annotated[str, Param(only_if={"amount": 1})]): ...


def clash(amount: Money, amount_currency: str): ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (untyped, "no type hint"),
        (starred, "no form can be made"),
        (keywords, "no form can be made"),
        (positional, "no form can be made"),
        (unresolved, "cannot be read"),
        (late, "no parameter before it has that name"),
        (never, "which it can never be"),
        (like_no_number, "which it can never be"),
        (beyond, "which it can never be"),
        (by_money, "which it can never be"),
        (clash, "both use the name 'amount_currency'"),
    ],
)
def test_a_signature_that_cannot_work_is_explained(function, message):
    with pytest.raises(DeclarationError, match=message) as caught:
        read(function)
    assert caught.value.hint


def param(hint, **options):
    return Annotated[hint, Param(**options)]


@pytest.mark.parametrize(
    "hint",
    [
        float,
        dict[str, int],
        list[float],
        list[list[str]],
        list,
        str | int,
        object,
        param(str, places=2),
        param(date, pattern=("x", "y")),
        param(str, min_length=5, max_length=4),
        param(str, max_length=0),
        param(str, pattern="x"),
        param(str, pattern=("(", "Broken.")),
        param(str, options=["a"]),
        param(int, min="1"),
        param(Decimal, min=0.1),
        param(Decimal, places=-1),
        param(Decimal, max="NaN"),
        param(Money, currencies=("DOLLARS",)),
        param(Money, currencies="USD"),
        param(date, min="yesterday"),
        param(datetime, min="2026-01-01T00:00"),
        param(Literal["a"], labels={"b": "B"}),
        Literal["a", 1],
        Literal[True],
        File,
        param(File, accept="csv"),
        param(File, accept=(".csv",), max_size=0),
        Group,
        param(Group, search=("colour",)),
        param(Group, search="name"),
        Annotated[str, Param(label="a"), Param(label="b")],
    ],
    ids=str,
)
def test_a_declaration_that_cannot_work_is_explained(hint):
    with pytest.raises(DeclarationError, match="value") as caught:
        read(taking(value=hint))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        (str, 5),
        (str, None),
        (int, "5"),
        (int, True),
        (Decimal, 5),
        (Decimal, 0.1),
        (Money, Decimal(5)),
        (Money, Money(Decimal(5), "EUR")),
        (bool, 1),
        (date, "2026-01-01"),
        (datetime, datetime(2026, 1, 1)),  # noqa: DTZ001 -- the point of it
        (Channel, "email"),
        (list[Channel], ["email"]),
        (Secret, Secret("in the code")),
        (param(int, min=1), 0),
        (param(str, max_length=2), "abc"),
    ],
    ids=str,
)
def test_a_default_that_does_not_fit_is_explained(hint, default):
    with pytest.raises(DeclarationError, match="default") as caught:
        read(taking(value=hint, default=default))
    assert caught.value.hint
