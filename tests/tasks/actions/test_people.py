"""Who joins a group that decides something, and whose account is opened again: two agree to it."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.requests.policy import NotEligible, OwnRequest
from audit.context import Door
from backoffice import actions
from backoffice.models import Membership
from tasks.access.administrators import deciding_groups, has_any_say
from tasks.access.rights import Right
from tasks.actions import NotProposed, RuleSpec
from tasks.actions.changes.grants import set_right
from tasks.models import ProposedChange
from tests.people import person
from tests.races import at_once
from tests.rules import save_rule
from tests.tasks.admin.reading import signed_in, words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def erin(task):
    return person("Erin", is_superuser=True)


@pytest.fixture
def evan(erin):
    return person("Evan", is_superuser=True)


@pytest.fixture
def put_in(erin):
    def put(who, group, by=erin):
        return actions.join_group(who.pk, group, by=by, door=Door.ADMIN, reason="Promoted")

    return put


@pytest.fixture
def reopen(erin):
    def open_it(who, by=erin):
        return actions.reactivate_person(who.pk, by=by, door=Door.ADMIN, reason="Is back")

    return open_it


def answer(proposed_change, by):
    request = proposed_change.approval
    approvals.decide(
        request.pk, decided_by=by, verdict="approve", seal=request.seal, door=Door.ADMIN
    )
    proposed_change.refresh_from_db()
    return ApprovalRequest.objects.get(pk=request.pk)


def close(who):
    who.is_active = False
    who.save()


def members(group):
    return set(group.user_set.values_list("username", flat=True))


# --- Joining --------------------------------------------------------------------------------------


def test_an_ally_is_in_the_group_when_another_has_agreed(put_in, approvers, mallory, evan):
    proposed_change = put_in(mallory, approvers)
    assert "mallory" not in members(approvers)
    shown = proposed_change.approval.shown
    assert str(proposed_change.approval) == "Add Mallory Example (mallory) to “Approvers”"
    may_do = dict(shown["facts"])["Permissions of the group"]
    assert "Decides: Credits above 100 (Test credit)" in may_do.splitlines()
    answer(proposed_change, evan)
    assert "mallory" in members(approvers)
    row = Membership.history.get(user=mallory)
    assert (row.history_user, row.history_change_reason) == (
        evan,
        "Proposed by Erin Example: Promoted",
    )


def test_a_new_account_that_its_maker_can_use_is_shown_as_such(put_in, approvers, erin, evan):
    made = {"username": "fred", "first_name": "Fred", "last_name": "Kent", "email": "f@example.com"}
    fred = actions.add_person(**made, password="a-long-one-4711", by=erin, door=Door.ADMIN)
    shown = dict(put_in(fred, approvers).approval.shown["facts"])
    assert "not changed yet" in shown["Password"]


def test_neither_who_proposes_it_nor_who_joins_agrees(put_in, approvers, erin, evan, mallory):
    proposed_change = put_in(mallory, approvers)
    with pytest.raises(OwnRequest):
        answer(proposed_change, erin)
    with pytest.raises(NotEligible):
        answer(proposed_change, mallory)
    with pytest.raises(NotProposed, match="Evan Example cannot approve it"):
        put_in(evan, approvers)
    assert members(approvers) == {"bob", "carol"}


def test_who_joins_the_superusers_later_does_not_agree(put_in, approvers, mallory, evan):
    proposed_change = put_in(mallory, approvers)
    third = person("Third", is_superuser=True)
    with pytest.raises(NotEligible):
        answer(proposed_change, third)


def test_a_first_administrator_fills_the_groups_alone(put_in, approvers, mallory):
    proposed_change = put_in(mallory, approvers)
    assert (bool(proposed_change.applied_at), proposed_change.approval) == (True, None)
    row = Membership.history.get(user=mallory)
    assert row.history_change_reason == "Promoted (without a second administrator)"


def test_and_not_when_there_was_another_one(put_in, approvers, mallory, evan):
    close(evan)
    with pytest.raises(NotProposed, match=r"manage\.py administrator NAME"):
        put_in(mallory, approvers)
    assert "mallory" not in members(approvers)


def test_a_group_without_any_say_is_filled_by_one(put_in, mallory, evan):
    assert put_in(mallory, group := Group.objects.create(name="Choir")) is None
    assert members(group) == {"mallory"}


def test_a_group_has_a_say_by_a_rule_an_escalation_or_a_right(task, carol, approvers):
    by_escalation, by_right, none = (Group.objects.create(name=n) for n in ("A", "B", "C"))
    set_right(task, Right.VIEW, to=by_right)
    set_right(task, Right.CHANGE, to=carol)
    rule = task.rules.get()
    later = {"escalate_to": [by_escalation], "escalate_after": timedelta(hours=4)}
    spec = RuleSpec("Escalates", "true", [approvers], **later)
    save_rule(task.pk, spec=spec, replaces=rule, by=carol, door=Door.ADMIN)
    assert {approvers, by_escalation, by_right} <= set(deciding_groups())
    assert none not in deciding_groups()


def test_leaving_takes_one(put_in, approvers, bob, erin, evan):
    actions.leave_group(bob.pk, approvers, by=erin, door=Door.ADMIN, reason="Left")
    assert members(approvers) == {"carol"}


def test_a_person_whose_account_was_closed_meanwhile_is_not_put_in(
    put_in, approvers, mallory, evan
):
    proposed_change = put_in(mallory, approvers)
    close(mallory)
    assert answer(proposed_change, evan).status == ApprovalRequest.Status.STALE
    assert "mallory" not in members(approvers)


def test_two_who_propose_the_same_at_once_make_one_proposed_change(
    put_in, approvers, mallory, evan
):
    third = person("Third", is_superuser=True)
    results = at_once(
        partial(put_in, mallory, approvers), partial(put_in, mallory, approvers, by=third)
    )
    assert sorted(type(each).__name__ for each in results) == ["NotProposed", "ProposedChange"]


# --- Opening again --------------------------------------------------------------------------------


def test_an_account_with_a_say_is_open_when_another_has_agreed(reopen, bob, evan):
    close(bob)
    proposed_change = reopen(bob)
    bob.refresh_from_db()
    assert not bob.is_active
    assert ["Groups", "Approvers"] in proposed_change.approval.shown["facts"]
    answer(proposed_change, evan)
    bob.refresh_from_db()
    assert bob.is_active


def test_an_account_without_any_say_is_opened_by_one(reopen, mallory, evan):
    close(mallory)
    assert not has_any_say(mallory)
    assert reopen(mallory) is None
    mallory.refresh_from_db()
    assert mallory.is_active


def test_a_closed_administrator_is_opened_again_by_two_others(reopen, evan, erin):
    """Else one of two could close the other, and open a third account that is their own."""
    third = person("Third", is_superuser=True)
    close(third)
    assert [p.person.username for p in reopen(third).approval.stages.get().reviewers.all()] == [
        "evan"
    ]


# --- The database, and the pages ------------------------------------------------------------------


def test_the_database_takes_no_proposed_change_about_people_that_one_has_made_alone(erin, evan):
    insert = (
        "INSERT INTO tasks_proposedchange (kind, content, reason, proposed_by_id, applied_at) "
        "VALUES ('join', '{}', '', %s, now())"
    )
    with (
        pytest.raises(DatabaseError, match="takes two people"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(insert, [erin.pk])


def test_the_page_of_the_group_says_that_it_waits(erin, evan, approvers, mallory):
    client = signed_in(erin)
    page = reverse("admin:auth_group_join", args=[approvers.pk])
    sent = {"person": mallory.pk, "reason": "Promoted"}
    shown = words(client.post(page, sent, follow=True))
    assert "It takes effect when Evan Example approves it." in shown
    assert "Proposed by Erin Example" in shown
    assert "Awaiting approval from Evan Example." in shown
    assert members(approvers) == {"bob", "carol"}
    other = reverse("admin:backoffice_user_change", args=[mallory.pk])
    assert "Add Mallory Example (mallory) to “Approvers”" in words(client.get(other))


def test_the_page_of_a_person_says_so_beside_the_reason_when_nobody_can_agree(
    erin, evan, approvers, mallory
):
    close(evan)
    client = signed_in(erin)
    page = reverse("admin:backoffice_user_join", args=[mallory.pk])
    answered = client.post(page, {"group": approvers.pk, "reason": "Promoted"})
    assert answered.status_code == 400
    assert "manage.py administrator NAME" in words(answered)
    assert not ProposedChange.objects.exists()


def test_the_request_of_a_group_has_a_page_without_a_task(erin, evan, put_in, approvers, mallory):
    asked = put_in(mallory, approvers).approval
    page = words(signed_in(evan).get(asked_url(asked)))
    assert "Member of “Approvers” Before: No After: Yes" in page
    assert "Open task settings" not in page


def asked_url(asked):
    return reverse("admin:approvals_approvalrequest_change", args=[asked.pk])
