"""Stages that ask whoever has a right on a task: without it they decide nothing, and nothing counts."""

import pytest
from django.urls import reverse

from approvals.actions import NobodyCanDecide
from approvals.models import Stage
from approvals.requests.policy import NotEligible, to_decide
from approvals.requests.rights import groups_of
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import RuleSpec
from tasks.actions.changes.grants import set_right
from tasks.models import Run
from tasks.rules.stages import stage_for_a_look
from tests.rules import save_rule
from tests.tasks.admin.reading import page_of, signed_in, words

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.fixture(params=[Right.EXECUTE, Right.APPROVE])
def right(request):
    """Of those who are asked: they may run it, or a rule names nobody and they may approve it."""
    return request.param


@pytest.fixture
def asked(right, task, approvers, dave, root, ask) -> Run:
    """A run that waits for whoever has the right: Bob and Carol have it, as their group does."""
    set_right(task, right, to=approvers)
    if right == Right.EXECUTE:
        set_right(task, Right.REQUEST, to=dave)
        return ask("50.00", by=dave)
    rule = RuleSpec("Everything", "amount > 0")
    save_rule(task.pk, spec=rule, by=root, door=Door.ADMIN, reason="Money")
    return ask("50.00")


def lower(task, approvers) -> None:
    """From then on the group may ask for it, and no more."""
    set_right(task, Right.REQUEST, to=approvers)


def test_who_has_the_right_decides(asked, approve, work):
    approve(asked)
    assert work(asked).status == Status.SUCCEEDED


def test_without_the_right_nobody_decides(asked, approve, task, approvers, bob):
    assert to_decide(bob).exists()
    lower(task, approvers)
    with pytest.raises(NotEligible):
        approve(asked)
    assert not to_decide(bob).exists()
    request = reverse("admin:approvals_approvalrequest_change", args=[asked.approval_id])
    assert "Your review" not in words(signed_in(bob).get(request))


def test_what_was_approved_does_not_count_once_the_right_is_gone(
    asked, approve, work, credit, task, approvers
):
    approve(asked)
    lower(task, approvers)
    run = work(asked)
    assert (run.status, credit.calls) == (Status.STALE, [])
    assert "Somebody who approved it is no longer eligible." in run.error


def test_the_right_counts_whoever_it_comes_from(asked, approve, work, right, task, approvers, bob):
    approve(asked)
    set_right(task, None, to=approvers)
    set_right(task, right, to=bob)
    assert work(asked).status == Status.SUCCEEDED


def test_who_is_given_the_right_later_is_not_let_in(asked, approve, right, task, mallory):
    set_right(task, right, to=mallory)
    with pytest.raises(NotEligible):
        approve(asked, by=mallory)


def test_its_groups_are_notified_and_its_page_says_who_is_meant(asked, right, approvers, bob):
    assert groups_of(Stage.objects.get()) == [approvers]
    who = "run" if right == Right.EXECUTE else "approve"
    assert f"Waiting for everybody who can {who} it." in words(signed_in(bob).get(page_of(asked)))


def test_a_checkpoint_asks_the_same_people_by_the_same_right(asked, right):
    held = stage_for_a_look(asked).held
    assert held
    assert held.right == right.codename


def test_where_nobody_has_it_nothing_is_requested(task, approvers, dave, alice, ask):
    set_right(task, Right.REQUEST, to=dave)
    set_right(task, None, to=alice)
    with pytest.raises(NobodyCanDecide):
        ask("50.00", by=dave)
