"""`manage.py check` names file and line of a wrong declaration, and says what to do."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from django.core.checks import ERROR, run_checks
from django.db.models import QuerySet

from tasks.checks import check_tasks
from tasks.declaration.registry import Approval, registry
from tasks.outputs import Output, Table, Text
from tasks.parameters import File, Money, Param, Rows, Secret


@dataclass(frozen=True)
class Row:
    n: int


def issue_credit(amount: Money, note: str = ""):
    """Adds a credit."""


def mistyped(amount: float):
    """Adds a credit."""


def with_secret(key: Secret):
    """Stores a key."""


@pytest.fixture(autouse=True)
def only_our_tasks(monkeypatch):
    monkeypatch.setattr(registry, "_tasks", {})
    monkeypatch.setattr(registry, "problems", [])


def found(function=issue_credit, **options):
    registry.task(**{"name": "Credit", "category": "A", "owner": "B"} | options)(function)
    return check_tasks()


def test_a_right_task_has_nothing_to_say():
    rule = Approval('amount > 100 and amount_currency == "USD"', groups=["Managers"])
    assert found(approval=[rule], preview=lambda amount: [], validate=lambda **_: None) == []


def test_the_checks_run_with_djangos_own():
    found(mistyped)
    assert "tasks.E002" in [message.id for message in run_checks(tags=["tasks"])]


@pytest.mark.parametrize(
    ("number", "function", "options", "words"),
    [
        ("E001", issue_credit, {"name": ""}, "has no name"),
        ("E002", mistyped, {}, "float is not a type that a form supports"),
        ("E003", issue_credit, {"timeout": 10**6}, "workers end a run after"),
        (
            "E004",
            issue_credit,
            {"preview": lambda total: []},
            "preview of 'issue-credit' takes total",
        ),
        ("E004", issue_credit, {"validate": lambda a, b: None}, "takes a, b"),
        ("E005", issue_credit, {"approval": [Approval("amout > 5", groups="A")]}, "'amout > 5'"),
        ("E005", issue_credit, {"approval": [Approval("amount", groups="A")]}, "cannot be used"),
        ("E005", issue_credit, {"approval": [Approval("note > 5", groups="A")]}, "cannot be used"),
        ("E006", issue_credit, {"one_open_per": "payment"}, "names 'payment', which is no"),
        ("E006", issue_credit, {"one_running_per": ["note", "sum"]}, "one_running_per of"),
        ("E006", with_secret, {"one_open_per": "key"}, "that two runs could be compared by"),
        (
            "E001",
            issue_credit,
            {"one_open_per": "note", "one_running_per": "note"},
            "both one_open_per and one_running_per",
        ),
    ],
)
def test_a_mistake_is_an_error_with_a_place_and_a_hint(number, function, options, words):
    (message,) = found(function, **options)
    assert message.id == f"tasks.{number}"
    assert words in message.msg
    assert message.msg.startswith(f"{__file__}:{function.__code__.co_firstlineno}: ")
    assert message.hint
    assert message.is_serious()


def test_a_companion_may_take_more_when_it_has_a_default():
    assert found(preview=lambda amount, currency="USD", *_: []) == []


def test_a_default_that_breaks_a_rule_is_found():
    def wrong(amount: Decimal = "5"):  # type: ignore[assignment]
        """Adds a credit."""

    (message,) = found(wrong)
    assert "'5' cannot be the default of a Decimal" in message.msg


def today_is_frozen(amount: Money, day: date = date.today()):  # noqa: B008, DTZ011 -- the mistake
    """Adds a credit."""


def today_in_full(amount: Money, *, day: date = datetime.now(UTC).date()):  # noqa: B008
    """Adds a credit."""


@pytest.mark.parametrize("function", [today_is_frozen, today_in_full])
def test_a_default_that_asks_the_clock_is_found(function):
    (message,) = found(function)
    assert (message.id, "default of day" in message.msg) == ("tasks.E014", True)


@pytest.mark.parametrize(
    ("returned", "names"),
    [
        (int, "int"), (Decimal, "Decimal"), (bool, "bool"), (date, "date"), (set[str], "set"),
        (QuerySet, "QuerySet"), (str | int | None, "int"), (list[Decimal], "Decimal"),
        (Annotated[float, "x"], "float"),
    ],
)  # fmt: skip
def test_a_result_for_which_there_is_no_output_is_a_warning(returned, names):
    def count(amount: Money):
        """Counts."""

    count.__annotations__["return"] = returned
    (message,) = found(count)
    assert message.id == "tasks.W015"
    assert f"returns {names}," in message.msg
    assert not message.is_serious(ERROR)


@pytest.mark.parametrize(
    "returned",
    [None, str, str | None, dict[str, str], list[dict[str, str]], Table, File, Money, Any, object,
     list[Table | Text], tuple[Table, ...], Output, "NotImported", Mapping[str, object]],
)  # fmt: skip
def test_what_can_be_shown_is_no_warning(returned):
    def report(amount: Money):
        """Reports."""

    report.__annotations__["return"] = returned
    assert found(report) == []


class Desk:
    def credit(self, amount: Money):
        """Adds a credit."""


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"run": None}, "such as run: TaskRun"),
        ({"run": "TaskRun | None"}, "Write run: TaskRun"),
        ({"day": datetime}, "with a time zone"),
        ({"rows": Annotated[File, Param(accept=("csv",))]}, 'accept=(".csv",)'),
        ({"note": Annotated[str, Param(pattern=("[", "No."))]}, "missing ]"),
        (
            {"rows": Annotated[Rows[Row], Param(key="n", rows=lambda amount, nobody: [])]},
            "takes nobody",
        ),
    ],
)
def test_what_is_wrong_with_a_parameter_is_said(hints, words):
    def credit(amount: Money, **_: object):
        """Adds a credit."""

    (name, hint), empty = next(iter(hints.items())), inspect.Parameter.empty
    given = [
        inspect.Parameter("amount", inspect.Parameter.KEYWORD_ONLY, annotation=Money),
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=empty if hint is None else hint,
            default=datetime(2026, 1, 1) if hint is datetime else empty,  # noqa: DTZ001 -- the mistake
        ),
    ]
    credit.__signature__ = inspect.Signature(given)
    (message,) = found(credit)
    assert words in f"{message.msg} {message.hint}"


def test_a_method_is_said_to_be_one():
    (message,) = found(Desk.credit)
    assert "credit is a method of Desk" in message.msg
