"""Who may do what with all tasks, seen from the task, the group and the person. S1, S21."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tasks.access.rights import Right, highest
from tasks.actions.changes.grants import set_right
from tests.people import join
from tests.tasks.admin.reading import signed_in, url, words


def of(kind, holder) -> str:
    return url("tasks_holder_permissions", kind, holder.pk)


def test_the_matrix_shows_groups_across_and_people_by_name(task, erin, approvers):
    set_right(task, Right.APPROVE, to=approvers)
    page = words(signed_in(erin).get(url("tasks_permissions")))
    assert "Task Approvers People Test credit Can approve" in page
    assert "Alice Example : Can run" in page


def test_a_persons_permissions_name_where_they_come_from(task, erin, approvers, dave):
    set_right(task, Right.APPROVE, to=approvers)
    join(dave, approvers)
    page = words(signed_in(erin).get(of("person", dave)))
    assert "Can approve (Approvers)" in page


def test_a_group_is_given_and_loses_a_right_from_its_own_page(task, erin, approvers, bob):
    client = signed_in(erin)
    for was, level in (("", "approve"), ("approve", "view")):
        sent = {f"task-{task.pk}": level, f"task-{task.pk}-was": was, "reason": "New in the team"}
        assert client.post(of("group", approvers), sent).status_code == 302
        assert highest(bob, task) == Right[level.upper()]


def test_a_change_needs_a_reason_and_keeps_what_was_chosen(task, erin, approvers, bob):
    sent = {f"task-{task.pk}": "approve", f"task-{task.pk}-was": ""}
    answer = signed_in(erin).post(of("group", approvers), sent)
    assert answer.status_code == 422
    assert answer.context["form"][f"task-{task.pk}"].value() == "approve"
    assert highest(bob, task) is None


def test_what_one_does_not_administer_is_not_changed(task, auditor, approvers, bob):
    sent = {f"task-{task.pk}": "approve", f"task-{task.pk}-was": "", "reason": "Mine"}
    assert signed_in(auditor).get(of("group", approvers)).status_code == 200
    signed_in(auditor).post(of("group", approvers), sent)
    assert highest(bob, task) is None


def test_to_others_the_pages_do_not_exist(task, alice, approvers):
    for address in (url("tasks_permissions"), of("group", approvers), of("person", alice)):
        assert signed_in(alice).get(address).status_code == 404


def test_the_pages_of_a_group_and_a_person_list_their_tasks(task, approvers, bob, alice):
    set_right(task, Right.APPROVE, to=approvers)
    bob.user_permissions.add(Permission.objects.get(codename="change_user"))
    group = words(signed_in(bob).get(reverse("admin:auth_group_change", args=[approvers.pk])))
    person = words(signed_in(bob).get(reverse("admin:backoffice_user_change", args=[bob.pk])))
    assert "Test credit Can approve" in group
    assert "Test credit Can approve, through Approvers" in person


@pytest.mark.parametrize("kind", ["group", "person"])
def test_who_does_not_exist_has_no_page(task, erin, kind):
    address = url("tasks_permissions") + f"{kind}/999999999/"
    assert signed_in(erin).get(address).status_code == 404
