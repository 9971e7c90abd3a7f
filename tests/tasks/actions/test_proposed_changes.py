"""A change of a task's rules takes two people who administer it; how a first one begins alone."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.requests.policy import NotEligible, NotRevisable, OwnRequest
from audit.context import Door
from audit.models import Event
from tasks.access.administrators import was_shared
from tasks.access.rights import NotGranted, Right, allowed, highest
from tasks.actions import (
    NotProposed,
    RuleSpec,
    adopt_task,
    propose_end,
    propose_grant,
    propose_rule,
    retire_task,
    revoke,
)
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.proposed_changes import NotAgreed, may_act_alone
from tasks.declaration.registry import registry
from tasks.models import ApprovalRule, ProposedChange
from tasks.rules.serialization import as_json, differences, from_json
from tasks.worker.task_run import TaskRun
from tests.owner import without_guards
from tests.people import join, person
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = ApprovalRequest.Status


@pytest.fixture
def erin(task):
    return person("Erin", is_superuser=True)


@pytest.fixture
def evan(task):
    evan = person("Evan")
    set_right(task, Right.CHANGE, to=evan)
    return evan


@pytest.fixture
def rule(task):
    return task.rules.get()


@pytest.fixture
def laxer(task, rule, erin, evan, approvers):
    """Erin proposes that credits up to 1,000 need nobody."""

    def propose(by=erin, **changes):
        said = {"groups": [approvers], "condition": "amount > 1000"} | changes
        replaces = said.pop("replaces", rule)
        spec = RuleSpec(name="Credits above 1,000", **said)
        return propose_rule(
            task.pk, spec=spec, replaces=replaces, by=by, door=Door.ADMIN, reason="Too slow"
        )

    return propose


@pytest.fixture
def ending(rule, erin, evan):
    return lambda by=erin: propose_end(rule.pk, by=by, door=Door.ADMIN, reason="Not needed")


def answer(proposed_change, by, verdict="approve", reason=""):
    request = proposed_change.approval
    approvals.decide(
        request.pk,
        decided_by=by,
        verdict=verdict,
        seal=request.seal,
        door=Door.ADMIN,
        reason=reason,
    )
    proposed_change.refresh_from_db()
    request.refresh_from_db()
    return request


def conditions(task):
    return sorted(task.rules.filter(ended_at=None).values_list("condition", flat=True))


# --- Two people -----------------------------------------------------------------------------------


def test_it_waits_for_the_other_administrator_and_nothing_changes_before(laxer, task, evan, ask):
    proposed_change = laxer()
    reviewers = proposed_change.approval.stages.get().reviewers.values_list(
        "person__username", flat=True
    )
    assert (list(reviewers), proposed_change.applied_at) == (["evan"], None)
    assert conditions(task) == ["amount > 100"]
    assert ask("150.00").approval


def test_when_the_other_agrees_it_is_in_force(laxer, task, rule, evan, ask):
    proposed_change = laxer()
    assert answer(proposed_change, evan).status == Status.APPROVED
    assert proposed_change.applied_at
    assert conditions(task) == ["amount > 1000"]
    rule.refresh_from_db()
    assert (rule.replaced_by.version, rule.replaced_by.brought_by) == (2, proposed_change)
    assert ask("150.00").approval is None


def test_a_rule_is_ended_when_the_other_agrees(ending, task, evan):
    proposed_change = ending()
    assert conditions(task) == ["amount > 100"]
    answer(proposed_change, evan)
    assert conditions(task) == []


def test_the_history_names_both(laxer, erin, evan):
    proposed_change = laxer()
    answer(proposed_change, evan, reason="Agreed on Monday")
    row = proposed_change.brought.history.get()
    assert (row.history_user, row.history_change_reason) == (
        evan,
        "Proposed by Erin Example: Too slow",
    )
    made = proposed_change.history.first()
    assert (made.proposed_by, made.history_user, bool(made.applied_at)) == (erin, evan, True)


def test_those_who_decide_under_the_rule_are_told(laxer, bob, evan):
    answer(laxer(), evan)
    assert bob.notifications.get(event="rule_changed").text == (
        "Erin Example changed an approval rule of “Test credit”: “Credits above 1,000”"
    )


@pytest.mark.parametrize("end", ["rejected", "withdrawn"])
def test_what_is_not_agreed_to_is_dropped_and_can_be_proposed_anew(laxer, task, erin, evan, end):
    proposed_change = laxer()
    if end == "rejected":
        answer(proposed_change, evan, "reject", "Not yet")
    else:
        approvals.withdraw(proposed_change.approval_id, by=erin, door=Door.ADMIN)
    proposed_change.refresh_from_db()
    assert (proposed_change.applied_at, bool(proposed_change.dropped_at)) == (None, True)
    assert conditions(task) == ["amount > 100"]
    answer(laxer(), evan)
    assert conditions(task) == ["amount > 1000"]


def test_it_says_what_changes_in_words_and_what_it_would_have_held_up(laxer, ask):
    ask("50.00")
    ask("150.00")
    shown = laxer().approval.shown
    assert shown["changes"] == [
        ["Name", "Credits above 100", "Credits above 1,000"],
        ["Condition", "amount > 100", "amount > 1000"],
    ]
    assert shown["facts"][1:3] == [
        ["Members of “Approvers”", "Bob Example (bob), Carol Example (carol)"],
        ["In the last 90 days", "0 of 2 runs would have needed approval. 0 did."],
    ]


def test_the_inbox_reads_what_is_asked(laxer, ending, erin):
    first = laxer()
    assert str(first.approval) == "Change the rule “Credits above 1,000” of “Test credit”"
    approvals.withdraw(first.approval_id, by=erin, door=Door.ADMIN)
    assert str(ending().approval) == "End the rule “Credits above 100” of “Test credit”"
    added = laxer(replaces=None)
    assert str(added.approval) == "Add the rule “Credits above 1,000” of “Test credit”"


# --- Who agrees -----------------------------------------------------------------------------------


def test_who_proposed_it_does_not_agree_to_it(laxer, erin):
    with pytest.raises(OwnRequest):
        answer(laxer(), erin)


@pytest.mark.parametrize("who", ["alice", "bob", "dave", "mallory"])
def test_nobody_else_agrees_to_it(laxer, task, who, request):
    with pytest.raises(NotEligible):
        answer(laxer(), request.getfixturevalue(who))
    assert conditions(task) == ["amount > 100"]


@pytest.mark.parametrize("who", ["alice", "bob", "dave", "mallory"])
def test_only_who_administers_the_task_proposes(laxer, ending, who, request):
    for propose in (laxer, ending):
        with pytest.raises(NotGranted):
            propose(by=request.getfixturevalue(who))


def test_who_becomes_an_administrator_later_does_not_agree_to_it(laxer, task, mallory):
    """An ally who is given the right for it, or a second account."""
    proposed_change = laxer()
    set_right(task, Right.CHANGE, to=mallory)
    with pytest.raises(NotEligible):
        answer(proposed_change, mallory)


def test_who_has_a_run_waiting_does_not_agree(laxer, ask, task, evan):
    """Evan would have his own 150.00 without anybody, once he asks anew."""
    ask("150.00", by=evan)
    with pytest.raises(
        NotProposed, match="Evan Example cannot approve it: they have a pending run"
    ):
        laxer()


def test_nor_who_asks_for_one_meanwhile(laxer, ask, task, evan):
    proposed_change = laxer()
    ask("150.00", by=evan)
    with pytest.raises(NotAgreed, match="pending run of it"):
        answer(proposed_change, evan)
    assert not proposed_change.approval.decisions.exists()
    assert conditions(task) == ["amount > 100"]


def test_nor_who_does_not_administer_it_any_more(laxer, task, evan):
    proposed_change = laxer()
    set_right(task, None, to=evan)
    with pytest.raises(NotAgreed, match="must administer “Test credit”"):
        answer(proposed_change, evan)


def test_it_is_not_sent_back_for_changes(laxer, evan):
    with pytest.raises(NotRevisable):
        answer(laxer(), evan, "change", "Only 500")


# --- Alone ----------------------------------------------------------------------------------------


def test_the_first_administrator_acts_alone_and_the_history_says_so(task, rule, erin):
    proposed_change = propose_end(rule.pk, by=erin, door=Door.ADMIN, reason="Set up")
    assert (bool(proposed_change.applied_at), proposed_change.approval) == (True, None)
    assert rule.history.first().history_change_reason == "Set up (without a second administrator)"
    assert conditions(task) == []


def left_by_a_closed_account(task, evan):
    evan.is_active = False
    evan.save()


def left_by_a_right_taken_away(task, evan):
    set_right(task, None, to=evan)


@pytest.mark.parametrize("left", [left_by_a_closed_account, left_by_a_right_taken_away])
def test_who_was_left_alone_does_not_act_alone(laxer, ending, task, evan, left):
    left(task, evan)
    for propose in (laxer, ending):
        with pytest.raises(NotProposed, match=r"manage\.py administrator NAME"):
            propose()
    assert conditions(task) == ["amount > 100"]
    assert Event.objects.filter(verb=Event.Verb.REFUSED).count() == 2


def test_nor_does_one_of_two_superusers_whose_flag_the_other_lost(laxer, task, erin, evan):
    set_right(task, None, to=evan)
    evan.is_superuser = True
    evan.save()
    evan.is_superuser = False
    evan.save()
    with pytest.raises(NotProposed):
        laxer()


def test_nor_one_of_a_group_that_administers(task, rule, erin):
    engineers = Group.objects.create(name="Engineers")
    ally = person("Ally")
    join(ally, engineers)
    assert may_act_alone(task, erin)
    set_right(task, Right.CHANGE, to=engineers)
    assert not may_act_alone(task, erin)
    approvals.remove_member(user=ally, group=engineers, by=None, door=Door.COMMAND, reason="Left")
    assert not may_act_alone(task, erin)


@pytest.mark.parametrize("by", ["erin", "evan"])
def test_python_and_the_database_agree_on_who_was_alone(task, erin, by, request):
    def in_sql():
        with connection.cursor() as cursor:
            cursor.execute("SELECT tasks_was_shared(%s, %s)", [task.pk, who.pk])
            return cursor.fetchone()[0]

    who = erin
    assert not was_shared(task, who)
    assert not in_sql()
    who = request.getfixturevalue(by)
    request.getfixturevalue("evan")
    assert was_shared(task, who)
    assert in_sql()


def test_the_administrator_of_another_task_changes_nothing_of_it(credit, task, erin, mallory):
    other = replace(credit.registered, slug="other-credit", approval=())
    adopt_task(other)
    set_right(type(task).objects.get(slug="other-credit"), Right.CHANGE, to=mallory)
    assert may_act_alone(task, erin)


# --- Outdated ----------------------------------------------------------------------------------


def is_stale(proposed_change, task, left=("amount > 100",)):
    assert (bool(proposed_change.dropped_at), proposed_change.applied_at) == (True, None)
    assert proposed_change.approval.status == Status.STALE
    assert conditions(task) == list(left)


def test_a_proposer_who_lost_the_right_makes_it_out_of_date(laxer, task, erin, evan):
    proposed_change = laxer()
    erin.is_superuser = False
    erin.save()
    answer(proposed_change, evan)
    is_stale(proposed_change, task)
    text = erin.notifications.get(event="proposed_change_outdated").text
    assert "Erin Example no longer administers “Test credit”." in text


def test_a_rule_that_nobody_could_approve_by_now_is_not_put_in_force(
    laxer, task, evan, bob, carol, approvers
):
    proposed_change = laxer()
    for each in (bob, carol):
        approvals.remove_member(user=each, group=approvers, by=None, door=Door.COMMAND, reason="x")
    answer(proposed_change, evan)
    is_stale(proposed_change, task)


def test_a_condition_that_the_code_knows_no_more_is_not_put_in_force(laxer, task, evan, deploy):
    def run(run: TaskRun, other: str): ...

    proposed_change = laxer()
    deploy(function=run, preview=None)
    answer(proposed_change, evan)
    is_stale(proposed_change, task)


def test_a_condition_that_cannot_be_read_is_not_proposed(laxer):
    with pytest.raises(ValidationError, match="Did you mean “amount”"):
        laxer(condition="amont > 1")
    assert not ProposedChange.objects.exists()


def test_two_changes_of_one_rule_do_not_wait_at_once(laxer, ending):
    laxer()
    with pytest.raises(NotProposed, match="Erin Example has already proposed a change"):
        ending()


def test_but_two_new_rules_do(laxer, task, evan):
    for proposed_change in [laxer(replaces=None), laxer(replaces=None, condition="amount > 3000")]:
        answer(proposed_change, evan)
    assert conditions(task) == ["amount > 100", "amount > 1000", "amount > 3000"]


# --- Rights ---------------------------------------------------------------------------------------


@pytest.fixture
def give(task, erin, evan):
    def give_it(right, to, by=erin):
        return propose_grant(task, right, to=to, by=by, door=Door.ADMIN, reason="New here")

    return give_it


def test_a_right_is_given_when_the_other_agrees(give, task, mallory, evan):
    proposed_change = give(Right.EXECUTE, mallory)
    assert not allowed(mallory, Right.VIEW, task)
    assert proposed_change.approval.shown["changes"] == [
        ["Permission of Mallory Example (mallory)", "No permission", "Can run"]
    ]
    answer(proposed_change, evan)
    assert allowed(mallory, Right.EXECUTE, task)


def test_nobody_agrees_to_what_gives_them_something(give, evan, approvers):
    join(evan, approvers)
    with pytest.raises(NotProposed, match=r"Evan Example cannot approve it: .* or gain"):
        give(Right.EXECUTE, approvers)


def test_nor_who_joins_the_group_meanwhile(give, evan, approvers, task, bob):
    proposed_change = give(Right.EXECUTE, approvers)
    join(evan, approvers)
    with pytest.raises(NotAgreed, match="gain nothing"):
        answer(proposed_change, evan)
    assert not allowed(bob, Right.EXECUTE, task)


def test_an_administrator_gives_themselves_nothing_alone(give, task, erin, evan):
    proposed_change = give(Right.EXECUTE, erin)
    with pytest.raises(OwnRequest):
        answer(proposed_change, erin)
    assert not allowed(erin, Right.EXECUTE, task)


def test_less_is_taken_at_once_and_never_more_given(give, task, alice, erin, evan):
    take = partial(revoke, task, by=erin, door=Door.ADMIN, reason="Other work")
    take(of=alice, leaves=Right.APPROVE)
    assert highest(alice, task) == Right.EXECUTE
    take(of=alice, leaves=Right.VIEW)
    assert highest(alice, task) == Right.VIEW
    take(of=alice)
    assert highest(alice, task) is None


def test_what_somebody_has_already_is_not_proposed(give, alice):
    with pytest.raises(ValidationError, match="already has this permission"):
        give(Right.REQUEST, alice)


def test_a_right_that_was_changed_meanwhile_makes_it_out_of_date(give, task, evan, alice, erin):
    proposed_change = give(Right.APPROVE, alice)
    revoke(task, of=alice, by=erin, door=Door.ADMIN)
    answer(proposed_change, evan)
    is_stale(proposed_change, task)
    assert highest(alice, task) is None


def test_two_proposed_changes_for_one_person_do_not_wait_at_once(give, mallory, dave):
    results = at_once(partial(give, Right.EXECUTE, mallory), partial(give, Right.CHANGE, mallory))
    assert sorted(type(each).__name__ for each in results) == ["NotProposed", "ProposedChange"]
    assert give(Right.EXECUTE, dave)


# --- At the same instant --------------------------------------------------------------------------


def test_two_who_propose_for_one_rule_at_once_make_one_proposed_change(laxer, ending, erin, evan):
    results = at_once(partial(laxer, by=erin), partial(ending, by=evan))
    assert sorted(type(each).__name__ for each in results) == ["NotProposed", "ProposedChange"]
    assert ProposedChange.objects.count() == ApprovalRequest.objects.count() == 1


def test_agreed_and_withdrawn_at_once_is_one_of_the_two(laxer, task, erin, evan):
    for _ in range(10):
        rule = task.rules.filter(ended_at=None).get()
        proposed_change = laxer(replaces=rule)
        at_once(
            partial(answer, proposed_change, evan),
            partial(approvals.withdraw, proposed_change.approval_id, by=erin, door=Door.ADMIN),
        )
        proposed_change.refresh_from_db()
        rule.refresh_from_db()
        assert (
            bool(proposed_change.applied_at)
            == bool(rule.ended_at)
            != bool(proposed_change.dropped_at)
        )


def test_a_run_asked_for_at_that_instant_waits_or_comes_after_the_change(ending, task, evan, ask):
    proposed_change = ending()
    _, run = at_once(partial(answer, proposed_change, evan), partial(ask, "150.00"))
    changed = proposed_change.applied_at or ProposedChange.objects.get().applied_at
    assert run.approval or run.requested_at >= changed - timedelta(seconds=5)


# --- The database ---------------------------------------------------------------------------------


@pytest.fixture
def refuses():
    """Tried as the application, which is who would try."""

    def refused(sql, *values, match=""):
        with pytest.raises(DatabaseError, match=match):
            as_application(sql, values)

    def as_application(sql, values):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE backoffice_app")
            cursor.execute(sql, values)

    return refused


def test_the_database_ends_no_rule_that_two_have_not_ended(ending, ask, refuses, evan):
    ask("50.00")
    refuses("UPDATE tasks_approvalrule SET ended_at = now()", match="agreed to")
    ending()
    refuses("UPDATE tasks_approvalrule SET ended_at = now()", match="agreed to")
    refuses("UPDATE tasks_proposedchange SET applied_at = now()", match="Nobody has agreed")


def test_the_database_takes_no_proposed_change_that_one_has_made_alone(
    laxer, erin, task, rule, refuses
):
    refuses(
        "INSERT INTO tasks_proposedchange (kind, task_id, rule_id, content, reason, proposed_by_id, "
        "applied_at) VALUES ('end', %s, %s, '{}', '', %s, now())",
        task.pk,
        rule.pk,
        erin.pk,
        match="takes two people",
    )


@pytest.mark.parametrize(
    "change",
    ["content = '{}'", "reason = 'x'", "kind = 'end'", "approval_id = NULL", "rule_id = NULL"],
)
def test_the_database_changes_nothing_of_what_was_proposed(laxer, change, refuses):
    laxer()
    refuses(f"UPDATE tasks_proposedchange SET {change}", match="never changes")  # noqa: S608
    refuses("DELETE FROM tasks_proposedchange", match="never removed")


def test_the_database_puts_no_rule_in_force_that_nobody_proposed(laxer, ask, evan, refuses):
    ask("50.00")
    proposed_change = laxer()
    copy = (
        "INSERT INTO tasks_approvalrule (task_id, name, condition, needed, position, version, "
        "brought_by_id) SELECT task_id, name, %s, needed, position, version, {} "
        "FROM tasks_approvalrule WHERE name = 'Credits above 100'"
    )
    refuses(copy.format("NULL"), "false", match="agreed to")
    refuses(copy.format(proposed_change.pk), "amount > 1000", match="agreed to")
    answer(proposed_change, evan)
    refuses(copy.format(proposed_change.pk), "amount > 1000", match="agreed to|duplicate")


def test_the_database_keeps_the_groups_and_people_of_a_rule(rule, mallory, refuses):
    refuses("DELETE FROM tasks_approvalrule_groups", match="never change")
    refuses(
        "INSERT INTO tasks_approvalrule_people (approvalrule_id, user_id) VALUES (%s, %s)",
        rule.pk,
        mallory.pk,
        match="never change",
    )


def test_what_was_edited_past_the_guard_is_not_made(laxer, task, evan):
    """As an owner could: the seal shows it."""
    proposed_change = laxer()
    with without_guards("tasks_proposedchange"):
        ProposedChange.objects.update(
            content={**proposed_change.content, "condition": "amount > 2000"}
        )
    answer(proposed_change, evan)
    is_stale(proposed_change, task)


def test_the_application_can_do_all_of_it(laxer, ending, task, evan):
    """With the rights that web and worker have, and not with those of the tests."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE backoffice_app")
        answer(laxer(), evan)
    assert conditions(task) == ["amount > 1000"]


# --- What a rule says -----------------------------------------------------------------------------

FULL = {
    "needed": 2,
    "position": 3,
    "for_resolving": True,
    "may_serve_twice": True,
    "fresh_proof": True,
    "ticket_pattern": r"^SUP-\d+$",
    "expires_after": timedelta(hours=4),
    "remind_after": timedelta(hours=1),
    "escalate_after": timedelta(hours=2),
    "first_items": 5,
    "stop_after_failures": 3,
    "stop_above_percent": 20,
    "stop_above_amount": Decimal("1000.50"),
}


def test_all_that_a_rule_says_comes_back_as_it_was(approvers, bob):
    spec = RuleSpec("Full", "true", [approvers], [bob], escalate_to=[approvers], **FULL)
    assert from_json(as_json(spec)) == spec


def test_each_thing_that_differs_is_a_row(approvers, bob):
    plain = RuleSpec("Full", "true")
    full = RuleSpec("Other", "false", [approvers], [bob], escalate_to=[approvers], **FULL)
    rows = differences(plain, full)
    assert len(rows) == len(ApprovalRule._meta.many_to_many) - 1 + len(FULL) + 2
    assert [
        "Reviewers",
        "Everybody who can approve the task",
        "Approvers or Bob Example (bob)",
    ] in rows
    assert differences(full, full) == []


def test_a_retired_task_has_no_new_rules(laxer, task, evan, credit):
    proposed_change = laxer()
    retire_task(task)
    del registry._tasks["test-credit"]
    answer(proposed_change, evan)
    is_stale(proposed_change, task)
    registry._tasks["test-credit"] = credit.registered
