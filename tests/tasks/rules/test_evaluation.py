"""Conditions: read when they are written, and never guessed at. S13."""

import inspect
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.actions import remove_member
from audit.context import Door
from audit.database.clock import database_now
from tasks import parameters
from tasks.access.rights import NotGranted, Right
from tasks.actions import RuleSpec
from tasks.actions.changes.grants import set_right
from tasks.rules.conditions import CIRCUMSTANCES, Condition, Facts, check_condition
from tasks.rules.evaluation import rules_that_apply
from tasks.rules.sums import ALWAYS_THERE
from tests.people import join
from tests.rules import end_rule, save_rule


@pytest.fixture
def declared(credit):
    return parameters.read(credit.registered.function)


@pytest.fixture
def facts(task, declared, alice):
    def facts_of(frozen, door=Door.ADMIN, by=alice):
        return Facts.of(
            task, by, door, declared, frozen, parameters.groupings(declared, {}, frozen)
        )

    return facts_of


@pytest.fixture
def administrator(task, carol):
    set_right(task, Right.CHANGE, to=carol)
    return carol


@pytest.fixture
def save(task, administrator, approvers):
    def save_it(condition="amount > 50", **changes):
        fields = {"name": "Large ones", "groups": [approvers], "needed": 1} | changes
        replaces = fields.pop("replaces", None)
        by = fields.pop("by", administrator)
        return save_rule(
            task.pk,
            spec=RuleSpec(condition=condition, **fields),
            replaces=replaces,
            by=by,
            door=Door.ADMIN,
            reason="Too many mistakes",
        )

    return save_it


@pytest.mark.parametrize(
    "condition",
    ["true", "amount > 100", "amount >= 0.1 and amount_currency == 'USD'", "not (amount < 5)"],
)
def test_a_yes_or_no_question_over_known_names_is_accepted(declared, condition):
    check_condition(condition, declared)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("amont > 1", "Did you mean “amount”"),
        ("salary > 1", "The names you can use: amount"),
        ("amount > 'x'", "Data type mismatch"),
        ("amount", "is not true or false"),
        ("amount + 1", "is not true or false"),
        ("amount >", "is not complete"),
        ("", "is not complete"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(declared, condition, says):
    with pytest.raises(ValidationError, match=says):
        check_condition(condition, declared)


@pytest.mark.parametrize(
    ("amount", "applies"),
    [("100.00", False), ("100.01", True), ("99.99", False), ("5000.00", True)],
)
def test_the_threshold_is_exact(facts, amount, applies):
    frozen = {"amount": {"amount": amount, "currency": "USD"}}
    assert bool(rules_that_apply(facts(frozen))) is applies


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ('requester == "alice"', True),
        ('requester in ["bob", "carol"]', False),
        ('"Night shift" in requester_groups', True),
        ('"Approvers" in requester_groups', False),
        ('door == "admin"', True),
        ('door in ["api", "slack"] and amount > 1', False),
    ],
)
def test_a_condition_sees_who_asks_and_by_which_door(facts, alice, condition, applies):
    join(alice, Group.objects.create(name="Night shift"))
    asked = facts({"amount": {"amount": "50.00", "currency": "USD"}})
    read = Condition.of(condition, asked.parameters)
    assert read.matches(asked, total=lambda each, facts: Decimal(0)) is applies


@pytest.mark.parametrize(
    "condition", ["requester > 5", "requester_groups > 1", "door > 5", "requestor == 'x'"]
)
def test_who_asks_and_the_door_have_types_as_parameters_have(declared, condition):
    with pytest.raises(ValidationError, match="The names you can use"):
        check_condition(condition, declared)


@pytest.mark.parametrize("name", [*CIRCUMSTANCES, *ALWAYS_THERE])
def test_no_parameter_takes_a_name_that_means_something_in_every_condition(name):
    def function(**_: object) -> None: ...

    function.__signature__ = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=str)]
    )
    with pytest.raises(parameters.DeclarationError, match="means something else"):
        parameters.read(function)


def test_a_value_that_cannot_be_read_asks_for_approval(facts):
    assert rules_that_apply(facts({"amount": None}))


def test_a_new_version_takes_the_place_of_the_old_one(task, save):
    old = task.rules.get()
    new = save(replaces=old)
    old.refresh_from_db()
    assert old.ended_at
    assert (new.version, new.replaces) == (2, old)
    assert list(task.rules.filter(ended_at=None)) == [new]


def test_two_people_cannot_replace_the_same_version(task, save):
    old = task.rules.get()
    save(replaces=old)
    with pytest.raises(ValidationError, match="Somebody else has changed"):
        save(replaces=old)


def test_the_change_is_in_the_history_with_person_and_reason(save, administrator):
    row = save().history.get()
    said = "Too many mistakes (without a second administrator)"
    assert (row.history_user, row.history_change_reason) == (administrator, said)


def test_a_rule_under_which_nobody_could_approve_is_refused(save, bob, carol, approvers):
    for person in (bob, carol):
        remove_member(user=person, group=approvers, by=None, door=Door.COMMAND, reason="left")
    with pytest.raises(ValidationError, match="only 0 active people"):
        save()


def test_a_rule_under_which_every_requester_would_be_one_too_few_is_refused(
    save, task, alice, bob, carol
):
    with pytest.raises(ValidationError, match="nobody can approve their own request"):
        save(groups=[], people=[alice, carol], needed=2)
    set_right(task, Right.REQUEST, to=bob)
    assert save(groups=[], people=[alice, carol], needed=2)


def test_the_shortest_time_of_the_rules_that_apply_holds(save, ask):
    save("amount > 120", name="Urgent", position=2, expires_after=timedelta(hours=4))
    left = ask("150").approval.expires_at - database_now()
    assert timedelta(hours=3) < left < timedelta(hours=5)
    assert ask("110").approval.expires_at - database_now() > timedelta(days=2)


def test_one_person_serves_two_stages_where_the_second_rule_says_so(save, ask, approve, bob):
    save("amount > 120", name="Again", position=2, may_serve_twice=True)
    run = ask("150")
    approve(run, bob)
    approve(run, bob)
    assert run.status == "queued"


def test_times_that_do_not_fit_are_refused(save):
    with pytest.raises(ValidationError, match="expired"):
        save(remind_after=timedelta(days=4))


def test_more_than_there_are_is_refused(save):
    with pytest.raises(ValidationError, match="only 2 active people"):
        save(needed=3)


def test_only_who_administers_the_task_changes_its_rules(save, task, bob):
    with pytest.raises(NotGranted):
        save(by=bob)
    with pytest.raises(NotGranted):
        end_rule(task.rules.get().pk, by=bob, door=Door.ADMIN)


def test_an_ended_rule_asks_nobody(save, administrator, task, ask):
    end_rule(task.rules.get().pk, by=administrator, door=Door.ADMIN, reason="Not needed")
    assert ask("150.00").approval is None
    assert task.rules.count() == 1


def test_several_rules_are_stages_in_their_order(save, ask):
    save("amount > 1000", name="Very large", position=2, needed=1)
    with pytest.raises(Exception, match="All stages together"):
        save("amount > 1200", name="Huge", position=3, needed=1) and ask("1500.00")
    stages = ask("1100.00").approval.stages.values_list("position", "name")
    assert list(stages) == [(1, "Credits above 100"), (2, "Very large")]


# --- Who is told ------------------------------------------------------------------------------------


def told(person):
    return list(person.notifications.filter(event="rule_changed").values_list("text", flat=True))


def test_those_who_decide_are_told_of_a_rule_and_of_its_end(save, bob, mallory, administrator):
    rule = save()
    end_rule(rule.pk, by=administrator, door=Door.ADMIN, reason="x")
    assert told(bob) == [
        "Carol Example ended an approval rule of “Test credit”: “Large ones”",
        "Carol Example changed an approval rule of “Test credit”: “Large ones”",
    ]
    assert told(mallory) == []


def test_whoever_was_asked_by_the_older_rule_is_told_of_the_new_one(save, bob, dave):
    """A rule that leaves somebody out is what that person has to hear of."""
    older = save(people=[bob], groups=[])
    save(people=[dave], groups=[], replaces=older)
    assert len(told(bob)) == 2
