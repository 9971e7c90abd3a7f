"""A condition that can never hold is a rule that never asks: it is refused at every door."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from audit.context import Door
from audit.transitions import transition
from tasks import parameters
from tasks.access.rights import Right
from tasks.actions import propose_rule
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.rules import put_in_force
from tasks.actions.subscriptions import NotSubscribed, subscribe
from tasks.checks import check_tasks
from tasks.declaration.registry import Approval, registry
from tasks.models import ApprovalRule, Run
from tasks.parameters import Money, Param
from tasks.rules.conditions import check_condition, names_for
from tasks.rules.evaluation import RuleSpec
from tasks.rules.meanings import names_in_words
from tests.tasks.admin.reading import rule_form, signed_in, words

OfGroup = Annotated[Group, Param(search=("name",))]


def everything(
    kind: Literal["chargeback", "fraud"],
    level: Literal[1, 2] | None,
    amount: Annotated[Money, Param(currencies=("USD", "EUR"))],
    team: OfGroup,
    other_team: OfGroup | None,
    tags: list[Literal["vip", "new"]],
    urgent: bool,
    count: Annotated[int, Param(min=1, max=9)],
    fee: Decimal | None,
    due: date,
    number: Annotated[str, Param(pattern=("A-[0-9]+", "Write it like A-1."))],
    note: str,
) -> None:
    """Takes one of each kind."""


DECLARED = parameters.read(everything)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ('kind == "chargebak"', 'Did you mean "chargeback"?'),
        ('kind != "frau"', "can never be"),
        ('kind in ["chargeback", "frad"]', 'can never be "frad"'),
        ('not (kind in {"frad"})', 'can never be "frad"'),
        ('"x" in kind', 'It can be "chargeback", "fraud".'),
        ('(kind ?? "none") == "nobody"', 'can never be "nobody"'),
        ("kind in []", "empty list"),
        ("kind == amount_currency", "no value in common"),
        ("level == 3", "It can be 1, 2."),
        ('amount_currency == "usd"', 'Did you mean "USD"?'),
        ('amount > 5 and amount_currency != "GBP"', 'can never be "GBP"'),
        ('"old" in tags', 'can never be "old"'),
        ('tags == ["vip", "old"]', 'can never be "old"'),
        ('team == "17"', "“team” is an object"),
        ('"17" == team', "“team” is an object"),
        ('team in ["17"]', "“team” is an object"),
        ('"1" in team', "“team” is an object"),
        ('team > "5"', "“team” is an object"),
        ("team == requester", "“team” is an object"),
        ("team == null", "“team” is never empty"),
        ("amount != null", "“amount” is never empty"),
        ('amount == "100"', "a number is compared with a text"),
        ('urgent == "yes"', "a true or false is compared with a text"),
        ('due == "2026-01-31"', "a date is compared with a text"),
        ('due == d"2026-01-31T12:00"', "can never be"),
        ('tags == "vip"', "a list is compared with a text"),
        ("count == 0", "“count” can never be 0"),
        ("count == 1.5", "“count” can never be 1.5"),
        ('number == "1"', '“number” can never be "1"'),
        ('door == "web"', "It can be"),
        ('door in ["api", "slak"]', 'Did you mean "slack"?'),
        ('door == "worker"', "It can be"),
        ('requester_groups == "Managers"', "a list is compared with a text"),
        ('count() by requester over 1 hour == "5"', "A total never equals"),
        ("false", "never holds"),
        ("1 == 2", "never holds"),
        ("amount > 5 and 1 == 2", "always false"),
        ("amount > 5 or 1 == 1", "always true"),
    ],
)  # fmt: skip
def test_it_is_refused_with_what_the_name_can_be(condition, says):
    with pytest.raises(ValidationError) as refused:
        check_condition(condition, DECLARED, with_people=False)
    assert says in " ".join(refused.value.messages)


@pytest.mark.parametrize(
    "condition",
    [
        "true", 'kind == "fraud"', 'kind not in ["fraud"]', '"charge" in kind', "(level ?? 0) == 0",
        'amount_currency != "USD" or amount > 5', '"vip" in tags', "other_team == null",
        "team == other_team", "not urgent", "urgent == false", "count == 9", "fee == null",
        "(fee ?? 0) > 3", 'due == d"2026-01-31"', 'due < d"2026-01-31T12:00"', 'number == "A-7"',
        'note == ""', '"refund" in note', 'requester == "alice"', '"Managers" in requester_groups',
        'door != "admin"', "sum(amount) by team over 24 hours + amount > 500", "note.length > 9",
    ],
)  # fmt: skip
def test_what_can_hold_is_taken(condition):
    check_condition(condition, DECLARED, with_people=False)


def test_the_page_says_what_each_name_can_be():
    said = names_in_words(DECLARED, names_for(DECLARED))
    assert said["kind"] == 'one of "chargeback", "fraud"'
    assert said["amount_currency"] == 'one of "USD", "EUR"'
    assert "cannot be compared with a value" in said["team"]
    assert said["other_team"].endswith("or null when there is none")


# --- Groups and people, as the database has them -------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ('"Approver" in requester_groups', 'Did you mean "Approvers"?'),
        ('"Nobody at all" in requester_groups', "can never be"),
        ('requester == "alicia"', "can never be"),
        ('requester in ["alice", "alicia"]', 'can never be "alicia"'),
    ],
)
def test_groups_and_people_have_to_be_there(alice, approvers, condition, says):
    with pytest.raises(ValidationError) as refused:
        check_condition(condition, DECLARED)
    assert says in " ".join(refused.value.messages)
    check_condition(condition, DECLARED, with_people=False)  # a check that asks no database


def test_those_that_are_there_are_taken(alice, approvers):
    check_condition('requester == "alice" or "Approvers" in requester_groups', DECLARED)


# --- Every door ----------------------------------------------------------------------------------

WRONG = 'amount > 10 and amount_currency == "usd"'


def test_the_check_of_the_code_refuses_it(credit):
    wrong = replace(credit.registered, approval=(Approval(WRONG, groups=["Approvers"]),))
    with registry.temporarily():
        registry._tasks[wrong.slug] = wrong
        assert [message.id for message in check_tasks()] == ["tasks.E005"]


@pytest.fixture
def erin(task, mallory):
    set_right(task, Right.CHANGE, to=mallory)
    return mallory


@pytest.mark.parametrize("pressed", ["values", "history", None])
def test_trying_and_proposing_on_the_page_refuse_it(task, erin, approvers, pressed):
    sent: dict[str, Any] = {
        "name": "Large ones", "condition": WRONG, "groups": [approvers.pk], "needed": "1",
        "position": "1", "reason": "Too many", "try": pressed,
    }  # fmt: skip
    answer = signed_in(erin).post(
        rule_form(task), {name: value for name, value in sent.items() if value is not None}
    )
    assert 'Did you mean "USD"?' in words(answer)
    assert not ApprovalRule.objects.filter(condition=WRONG).exists()


def test_a_proposal_that_comes_another_way_is_refused(task, erin, approvers):
    with pytest.raises(ValidationError, match="can never be"):
        propose_rule(
            task.pk,
            spec=RuleSpec("Large ones", WRONG, [approvers]),
            by=erin,
            door=Door.API,
            reason="Too many",
        )


@pytest.mark.parametrize(
    "condition", [WRONG, 'paid_currency == "usd"', '"Approver" in requester_groups']
)
def test_a_subscription_refuses_it(credit, task, dave, condition):
    registry._tasks[task.slug] = replace(credit.registered, outputs={"paid": Money})
    with pytest.raises(NotSubscribed, match="can never be"):
        subscribe(task.pk, by=dave, door=Door.ADMIN, states=["succeeded"], condition=condition)


# --- In force already ----------------------------------------------------------------------------


def test_a_rule_in_force_that_could_never_hold_holds_and_is_warned_of(task, ask, erin, approvers):
    """A choice or a group that is gone since, or a rule from before this was looked at."""
    with transition(by=None, door=Door.DEPLOY):
        put_in_force(task, RuleSpec("Of before", WRONG, [approvers]))
    assert ask("5").status == Run.Status.AWAITING_APPROVAL
    shown = words(signed_in(erin).get(f"/tasks/task/{task.slug}/settings/"))
    assert "so every run needs this approval" in shown
    assert 'Did you mean "USD"?' in shown
