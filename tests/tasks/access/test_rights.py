"""Who may do what to which task: every person x right. S1, S20."""

import pytest
from django.contrib.auth.models import Permission

from audit.context import Door
from backoffice.models import User
from tasks.access.rights import (
    NotGranted,
    Right,
    allowed,
    highest,
    require,
    runs_for,
    tasks_for,
    who,
)
from tasks.actions import propose_grant, revoke
from tasks.actions.changes.grants import set_right
from tasks.models import TaskGroupPermission, TaskUserPermission
from tests.people import join


@pytest.mark.parametrize("given", list(Right))
@pytest.mark.parametrize("asked", list(Right))
@pytest.mark.parametrize("by_group", [False, True])
def test_each_right_includes_the_ones_before_it(task, mallory, approvers, given, asked, by_group):
    set_right(task, None, to=approvers)
    if by_group:
        join(mallory, approvers)
    set_right(task, given, to=approvers if by_group else mallory)
    assert allowed(mallory, asked, task) is (asked <= given)
    assert (mallory in who(asked, task)) is (asked <= given)


@pytest.mark.parametrize("right", list(Right))
def test_without_a_grant_nothing_is_allowed(task, mallory, right):
    assert not allowed(mallory, right, task)
    assert mallory not in who(right, task)


@pytest.mark.parametrize("right", list(Right))
def test_a_superuser_sees_and_administers_and_nothing_more(task, root, right):
    assert allowed(root, right, task) is (right in (Right.VIEW, Right.CHANGE))
    assert root not in who(right, task)


@pytest.mark.parametrize("right", list(Right))
def test_an_auditor_sees_and_nothing_more(task, mallory, right):
    mallory.user_permissions.add(Permission.objects.get(codename="view_everything"))
    assert allowed(mallory, right, task) is (right == Right.VIEW)


@pytest.mark.parametrize("right", list(Right))
def test_an_inactive_person_may_do_nothing(task, alice, right):
    set_right(task, Right.CHANGE, to=alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    alice.refresh_from_db()
    assert not allowed(alice, right, task)
    assert alice not in who(right, task)


@pytest.mark.parametrize("codename", ["view_task", "request_task", "approve_task", "change_task"])
def test_a_permission_on_all_tasks_gives_nothing(task, mallory, codename):
    mallory.user_permissions.add(
        Permission.objects.get(codename=codename, content_type__app_label="tasks")
    )
    mallory = User.objects.get(pk=mallory.pk)
    assert not any(allowed(mallory, right, task) for right in Right)


def test_a_refusal_says_which_right_is_missing(task, dave):
    with pytest.raises(NotGranted, match="Can run"):
        require(dave, Right.EXECUTE, task)


def test_the_highest_right_is_named(task, alice, dave, mallory):
    assert [highest(p, task) for p in (alice, dave, mallory)] == [Right.EXECUTE, Right.VIEW, None]


def test_one_grant_a_person_and_each_change_in_the_history(task, root, mallory):
    for right in (Right.VIEW, Right.EXECUTE):
        propose_grant(task, right, to=mallory, by=root, door=Door.ADMIN, reason="New in support")
    assert TaskUserPermission.objects.filter(user=mallory).count() == 1
    kinds = TaskUserPermission.history.filter(user=mallory).values_list(
        "history_type", "permission__codename", "history_change_reason"
    )
    assert list(kinds) == [
        ("+", "execute_task", "New in support (without a second administrator)"),
        ("-", "view_task", "New in support (without a second administrator)"),
        ("+", "view_task", "New in support (without a second administrator)"),
    ]


def test_a_revoked_right_is_gone_at_once(task, root, alice):
    revoke(task, of=alice, by=root, door=Door.ADMIN, reason="Left support")
    assert not allowed(alice, Right.VIEW, task)


def test_a_group_can_be_granted_and_revoked(task, root, mallory, approvers):
    join(mallory, approvers)
    propose_grant(task, Right.EXECUTE, to=approvers, by=root, door=Door.ADMIN)
    assert allowed(mallory, Right.EXECUTE, task)
    revoke(task, of=approvers, by=root, door=Door.ADMIN)
    assert not TaskGroupPermission.objects.filter(group=approvers).exists()


def test_nobody_grants_themselves_anything(task, alice):
    with pytest.raises(NotGranted):
        propose_grant(task, Right.CHANGE, to=alice, by=alice, door=Door.ADMIN)


def test_runs_are_seen_by_who_sees_the_task_asked_or_was_asked(
    ask, alice, bob, dave, mallory, root
):
    run = ask("150.00")
    seen = {p.username for p in (alice, bob, dave, mallory, root) if run in runs_for(p)}
    assert seen == {"alice", "bob", "dave", "root"}


def test_lists_of_tasks_are_one_query(task, alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        list(tasks_for(alice, Right.REQUEST))
