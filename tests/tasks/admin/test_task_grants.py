"""The matrix of who may do what. S20, S21."""

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.urls import reverse

from tasks.access.rights import Right, allowed, highest
from tasks.actions.changes.grants import set_right
from tasks.models import TaskGroupPermission
from tests.tasks.admin.reading import settings_of, signed_in, words


@pytest.fixture
def send_grants(task, erin):
    """Send the matrix as it is shown now, but for these levels and fields."""

    def send(levels=None, **fields):
        client = signed_in(erin)
        form = client.get(settings_of(task)).context["grants"]
        sent = {name: field.initial or "" for name, field in form.fields.items()}
        sent |= {"reason": "New in the team"} | fields
        sent |= {_key(holder): level for holder, level in (levels or {}).items()}
        return client.post(reverse("admin:tasks_task_grants", args=[task.slug]), sent)

    return send


def _key(holder) -> str:
    return f"{'group' if isinstance(holder, Group) else 'person'}-{holder.pk}"


def test_the_matrix_shows_every_group_and_who_holds_something(task, erin, approvers):
    Group.objects.create(name="Another")
    form = signed_in(erin).get(settings_of(task)).context["grants"]
    rows = [(str(row.holder), row.level) for row, *_ in form.matrix()]
    assert {("Another", ""), ("Approvers", "")} < set(rows)
    assert rows[-3:] == [
        ("Alice Example", "execute"),
        ("Dave Example", "view"),
        ("Mallory Example", "change"),
    ]


def test_a_lone_administrator_gives_a_right_with_a_reason(task, send_grants, approvers, bob):
    send_grants({approvers: "approve"})
    assert highest(bob, task) == Right.APPROVE
    row = TaskGroupPermission.history.first()
    assert (row.history_change_reason, str(row.history_user)) == (
        "New in the team (without a second administrator)",
        "Mallory Example",
    )


def test_a_person_is_added_by_name_or_address(task, send_grants, bob, carol):
    send_grants(person="BOB", person_level="request")
    send_grants(person="carol@example.com", person_level="execute")
    assert (highest(bob, task), highest(carol, task)) == (Right.REQUEST, Right.EXECUTE)


def test_a_right_is_taken_away_at_once(task, send_grants, alice):
    send_grants({alice: ""})
    assert highest(alice, task) is None


def test_only_what_was_changed_is_written(task, send_grants, approvers):
    before = TaskGroupPermission.history.count(), task.user_grants.model.history.count()
    send_grants()
    assert (TaskGroupPermission.history.count(), task.user_grants.model.history.count()) == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"person": "nobody-here", "person_level": "view"}, "person"),
        ({"person": "bob"}, "person"),
    ],
)
def test_a_wrong_answer_is_explained_and_changes_nothing(task, send_grants, alice, changes, field):
    response = send_grants({alice: ""}, **changes)
    assert list(response.context["grants"].errors) == [field]
    assert highest(alice, task) == Right.EXECUTE


def test_somebody_elses_change_is_not_undone_by_accident(task, send_grants, approvers, bob):
    was = f"{_key(approvers)}-was"
    set_right(task, Right.EXECUTE, to=approvers)
    response = send_grants({approvers: "approve"}, **{was: "view"})
    assert "Somebody else changed this." in words(response)
    assert highest(bob, task) == Right.EXECUTE
    send_grants({approvers: "view"}, **{was: "view"})
    assert highest(bob, task) == Right.EXECUTE


def test_who_gives_up_administering_does_so_last_and_leaves(task, send_grants, erin, dave):
    response = send_grants({erin: "", dave: "execute"})
    assert response.url == reverse("admin:tasks_task_changelist")
    assert not allowed(erin, Right.VIEW, task)
    assert highest(dave, task) == Right.EXECUTE


def test_an_unknown_level_is_refused(task, send_grants, alice):
    response = send_grants({alice: "owner"})
    assert response.status_code == 200
    assert highest(alice, task) == Right.EXECUTE


def test_what_is_given_waits_for_the_other_administrator_and_what_is_taken_is_gone(
    task, send_grants, root, alice, dave, approvers, bob, erin
):
    client = signed_in(erin)
    page = words(
        client.get(send_grants({alice: "view", dave: "execute", approvers: "approve"}).url)
    )
    assert (highest(alice, task), highest(dave, task)) == (Right.VIEW, Right.VIEW)
    assert highest(bob, task) is None
    assert "Grant Dave Example (dave) “Can run” on “Test credit”" in page
    assert "Grant Approvers “Can approve” on “Test credit”" in page
    assert "Awaiting approval from Root Example." in page
    asked = task.proposed_changes.get(content__right="APPROVE").approval
    signed_in(root).post(
        reverse("admin:approvals_approvalrequest_decide", args=[asked.pk]),
        {"verdict": "approve", "seal": asked.seal},
    )
    assert highest(bob, task) == Right.APPROVE


def test_each_change_that_is_refused_is_said_and_the_others_are_made(
    task, send_grants, root, alice, dave
):
    send_grants({dave: "execute"})
    answer = send_grants({dave: "approve", alice: ""})
    said = [str(each) for each in get_messages(answer.wsgi_request)]
    assert (
        "Dave Example, “Test credit”: Mallory Example has already proposed a change: Grant Dave Example (dave) "
        "“Can run” on “Test credit”. Decide or withdraw it first."
    ) in said
    assert "Permissions saved. They take effect now." in said
    assert highest(alice, task) is None
    assert task.proposed_changes.count() == 1
