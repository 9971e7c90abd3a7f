"""What may stand in a condition: nothing that takes long, and nothing that changes by itself."""

import pytest
from django.core.exceptions import ValidationError

from audit.context import Door
from audit.transitions import transition
from tasks import parameters
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.rules import put_in_force
from tasks.models import Run
from tasks.parameters import Money
from tasks.rules.conditions import Condition, check_condition
from tasks.rules.evaluation import RuleSpec
from tests.tasks.admin.reading import rule_form, signed_in, words


def credit(amount: Money, note: str = "") -> None:
    """Adds a credit."""


DECLARED = parameters.read(credit)
# Each would hold the process for minutes, fill its memory, or answer as it likes.
SLOW = [
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' =~ '(a+)+$'",
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' !~~ '(a+)+$'",
    "$sum($range(100000)) > 1",
    "$range(10**9).length > 1",
    "2 ** 9999999 > amount",
    "1 << 99999999999 > amount",
    "(1e99999999).floor > amount",
    "note[1e99999999] == 'x'",
    "[x for x in [1, 2, 3]].length > amount",
    "'1e99999999'.to_int > amount",
    "$random() > 0.5",
    "$now > d'2026-01-01'",
    "amount > inf",
    "amount > nan",
    "amount > 5 # and so on",
    "amount > 1 or " * 72 + "amount > 2",
    "-" * 900 + "1 > amount",
]


@pytest.mark.parametrize("condition", SLOW, ids=lambda condition: condition[:30])
def test_it_is_refused_before_it_is_read(condition):
    with pytest.raises(ValidationError):
        check_condition(condition, DECLARED, with_people=False)
    with pytest.raises(ValidationError):
        Condition.of(condition, DECLARED)


@pytest.mark.parametrize(
    "condition", ['note == "~ for $5 ** & 1e9 #"', "note.length > 5", "amount > 100000.50"]
)
def test_what_only_looks_like_it_is_taken(condition):
    check_condition(condition, DECLARED, with_people=False)


def test_trying_one_on_the_page_is_refused_at_once(task, mallory, approvers):
    set_right(task, Right.CHANGE, to=mallory)
    sent = {
        "name": "Slow", "condition": SLOW[0], "groups": [approvers.pk], "needed": "1",
        "position": "1", "try": "history",
    }  # fmt: skip
    assert "“~” cannot be used here" in words(signed_in(mallory).post(rule_form(task), sent))


def test_a_rule_in_force_with_one_asks_for_every_run(task, ask, approvers):
    with transition(by=None, door=Door.DEPLOY):
        put_in_force(task, RuleSpec("Of before", SLOW[0], [approvers]))
    assert ask("5").status == Run.Status.AWAITING_APPROVAL


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("amount > 1.250", "“1.250” can be read in two ways. Write 1250, or 1.25."),
        ("amount > 1.255", "Write 1255, or 1.2550."),
        ("amount > 1.000", "Write 1000, or 1.0."),
        ("amount > 1,250", "Write 1250, or 1.25."),
        ("amount > 1.250.000", "Write 1.250.000 without separators: 1250000."),
        ("amount > 1_250", "Write 1_250 without separators: 1250."),
        ("amount > 1 250", "Write 1 250 without separators: 1250."),
        ("sum(amount) by requester over 24 hours + amount > 10.000", "Write 10000, or 10.0."),
    ],
)
def test_a_number_that_can_be_read_in_two_ways_is_refused(condition, said):
    with pytest.raises(ValidationError) as refused:
        check_condition(condition, DECLARED, with_people=False)
    assert said in " ".join(refused.value.messages)


@pytest.mark.parametrize(
    "condition",
    [
        "amount > 0.125",
        "amount > 1250",
        "amount > 1250.125",
        "amount > 1.25",
        "amount > 1.2550",
        "amount in [100,250]",
        'note == "1.250"',
    ],
)
def test_a_number_that_means_one_thing_is_taken(condition):
    check_condition(condition, DECLARED, with_people=False)
