"""`manage.py check` names file and line of a wrong declaration, and says what to do."""

from decimal import Decimal

import pytest
from django.core.checks import run_checks

from tasks.checks import check_tasks
from tasks.declaration.registry import Approval, registry
from tasks.parameters import Money, Secret


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
