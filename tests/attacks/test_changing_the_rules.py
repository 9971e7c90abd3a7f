"""Whoever administers a task wants money without anybody: each way round the second administrator.

Each attack ends with Erin asking for a large run. It must wait for Bob and Carol, as before.
"""

from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from approvals import actions as approvals
from audit.context import Door
from audit.transitions import Refusal
from backoffice import actions as people_actions
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import RuleSpec, propose_end, propose_grant, propose_rule
from tasks.actions.changes.grants import set_right
from tasks.models import ApprovalRule, ProposedChange
from tests.people import person
from tests.tasks.conftest import ask, credit, task

__all__ = ["ask", "credit", "task"]

pytestmark = pytest.mark.django_db(transaction=True)
BY = {"door": Door.ADMIN, "reason": "A test of the alarm"}


@pytest.fixture
def scene(task):
    """Erin and Evan administer everything; Erin may ask. Sock is a second account of hers."""
    erin, evan = (person(name, is_superuser=True) for name in ("Erin", "Evan"))
    set_right(task, Right.EXECUTE, to=erin)
    return {"task": task, "erin": erin, "evan": evan, "sock": person("Sock")}


def agree(proposed_change, by):
    approvals.decide(
        proposed_change.approval_id,
        decided_by=by,
        verdict="approve",
        seal=proposed_change.approval.seal,
        door=Door.ADMIN,
    )


def end(task, erin, **_):
    return propose_end(task.rules.get().pk, by=erin, **BY)


def end_and_ask(**scene):
    end(**scene)


def end_and_agree_to_it(**scene):
    agree(end(**scene), scene["erin"])


def end_and_let_the_second_account_agree(**scene):
    agree(end(**scene), scene["sock"])


def make_the_second_account_an_administrator(task, erin, sock, **scene):
    with suppress(Refusal):
        agree(propose_grant(task, Right.CHANGE, to=sock, by=erin, **BY), sock)
    agree(end(task, erin), sock)


def close_the_other_and_end(task, erin, evan, **_):
    people_actions.deactivate_person(evan.pk, by=erin, **BY)
    end(task, erin)


def close_the_other_then_name_oneself(task, erin, evan, **_):
    people_actions.deactivate_person(evan.pk, by=erin, **BY)
    spec = RuleSpec("Mine", "amount > 100", people=[erin])
    propose_rule(task.pk, spec=spec, replaces=task.rules.get(), by=erin, **BY)


def put_the_second_account_into_the_group(task, erin, sock, **_):
    group = task.rules.get().groups.get()
    agree(people_actions.join_group(sock.pk, group, by=erin, **BY), sock)


def take_the_flag_off_the_other_in_sql(task, erin, evan, **_):
    """With the application's password, past every function: the history still knows Evan."""
    sql("UPDATE backoffice_user SET is_superuser = false WHERE id = %s", evan.pk)
    end(task, erin)


def write_that_it_was_agreed_to(task, erin, **scene):
    proposed_change = end(task, erin)
    sql("UPDATE tasks_proposedchange SET applied_at = now() WHERE id = %s", proposed_change.pk)


def write_the_end_of_the_rule(task, **_):
    sql("UPDATE tasks_approvalrule SET ended_at = now() WHERE task_id = %s", task.pk)


def write_the_condition_of_the_rule(task, **_):
    sql("UPDATE tasks_approvalrule SET condition = 'false' WHERE task_id = %s", task.pk)


def use_an_earlier_answer_again(task, erin, evan, **scene):
    """Evan once agreed to a stricter rule."""
    spec = RuleSpec("Stricter", "amount > 50", groups=list(task.rules.get().groups.all()))
    old = propose_rule(task.pk, spec=spec, replaces=task.rules.get(), by=erin, **BY)
    agree(old, evan)
    rule = task.rules.get(ended_at=None)
    sql("UPDATE tasks_proposedchange SET kind = 'end', rule_id = %s", rule.pk)


def sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE backoffice_app")
        cursor.execute(statement, values)


ATTACKS = (
    end_and_ask, end_and_agree_to_it, end_and_let_the_second_account_agree,
    make_the_second_account_an_administrator, close_the_other_and_end,
    close_the_other_then_name_oneself, put_the_second_account_into_the_group,
    take_the_flag_off_the_other_in_sql, write_that_it_was_agreed_to, write_the_end_of_the_rule,
    write_the_condition_of_the_rule, use_an_earlier_answer_again,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_attack_gets_round_the_second_administrator(attack, scene, ask):
    with suppress(Refusal, ValidationError, DatabaseError):
        attack(**scene)
    run = ask("150.00", by=scene["erin"])
    assert run.approval
    reviewers = run.approval.stages.get().reviewers.values_list("person__username", flat=True)
    assert set(reviewers) == {"bob", "carol"}


def test_with_an_honest_second_person_the_rule_ends(scene, ask):
    """Else a rule that nobody can end would look safe."""
    agree(end(**scene), scene["evan"])
    assert ask("150.00", by=scene["erin"]).approval is None
    assert ProposedChange.objects.get().applied_at
    assert not ApprovalRule.objects.filter(task=scene["task"], ended_at=None).exists()
    assert User.objects.filter(is_superuser=True).count() == 2
