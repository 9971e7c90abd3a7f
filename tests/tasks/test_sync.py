"""From the code to the rows behind it, after each deploy. S51."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import Group

from tasks.actions import adopt_task, retire_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import Undo, registry
from tasks.models import Task
from tasks.sync import sync_tasks
from tests.rules import end_rule


@pytest.fixture
def row(credit):
    return Task.objects.get(slug="test-credit")


def test_a_new_task_gets_its_rules_and_its_grants(row):
    rule = row.rules.get()
    assert (rule.condition, rule.needed) == ("amount > 100", 1)
    assert [g.name for g in rule.groups.all()] == ["Approvers"]


def test_a_deploy_refreshes_what_is_copied_from_the_code(row, credit, deploy):
    deploy(recorded=False, name="Goodwill", timeout=5)
    sync_tasks()
    row.refresh_from_db()
    assert (row.name, row.timeout) == ("Goodwill", 5)
    assert row.history.first().history_door == "deploy"


def test_a_deploy_without_a_change_leaves_no_history(row):
    sync_tasks()
    assert row.history.count() == 1


@pytest.mark.parametrize(
    ("said", "undone_by", "moves"),
    [
        (None, "", False),
        (None, "test-credit", True),
        (False, "test-credit", False),
        (True, "", True),
    ],
)
def test_what_undoes_a_task_that_moves_money_moves_it_back(credit, deploy, said, undone_by, moves):
    def take_back(step: str) -> None:
        """Takes it back."""

    other = replace(credit.registered, slug="take-back", function=take_back, preview=None)
    other = replace(other, approval=(), moves_money=said)
    undo = Undo("take-back", fill={"step": lambda run: "1"}) if undone_by else None
    deploy(recorded=False, undo=undo)
    registry._tasks["take-back"] = other
    sync_tasks()
    assert Task.objects.get(slug="take-back").moves_money is moves


def test_a_deploy_does_not_bring_back_what_people_have_changed(row, root):
    end_rule(row.rules.get().pk, by=root, door="admin")
    set_right(row, None, to=Group.objects.get(name="Approvers"))
    sync_tasks()
    assert not row.rules.filter(ended_at=None).exists()
    assert not row.group_grants.exists()


def test_a_task_gone_from_the_code_is_retired_and_its_runs_stay(ask, credit, row):
    run = ask("50.00")
    del registry._tasks["test-credit"]
    sync_tasks()
    row.refresh_from_db()
    run.refresh_from_db()
    assert row.retired_at
    assert run.task == row


def test_a_task_that_comes_back_is_open_again(row, credit):
    retire_task(row)
    adopt_task(credit.registered)
    row.refresh_from_db()
    assert row.retired_at is None
