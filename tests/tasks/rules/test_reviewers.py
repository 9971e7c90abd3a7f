"""S29: who asks puts it to some of those who may approve it, people and groups mixed."""

import pytest
from django.contrib.auth.models import Group

from approvals.requests.explanation import explain
from approvals.requests.policy import NotEligible, to_decide
from audit.context import Door
from audit.database.clock import database_now
from tasks.access.rights import Right
from tasks.actions import InvalidValues, request_run
from tasks.actions.changes.grants import set_right
from tasks.models import ApprovalRule
from tasks.rules.evaluation import RuleSpec
from tasks.rules.reviewers import candidates
from tests.people import join, person
from tests.rules import save_rule
from tests.tasks.admin.reading import form_of, signed_in, url, words


@pytest.fixture
def leads(db) -> Group:
    return Group.objects.create(name="Leads")


@pytest.fixture
def erin(leads):
    erin = person("Erin")
    join(erin, leads)
    return erin


@pytest.fixture
def put_to(task, alice):
    def ask(*reviewers, amount="150.00", by=None):
        return request_run(
            task.pk,
            requested_by=by or alice,
            door=Door.ADMIN,
            values={"amount": amount, "amount_currency": "USD"},
            reason="The parcel was late",
            reviewers=reviewers,
        )

    return ask


@pytest.fixture
def two_must_agree(task, administrator, leads, erin, approvers):
    rule = ApprovalRule.objects.get(task=task, ended_at=None)
    spec = RuleSpec("Two of them", "amount > 100", groups=[approvers, leads], needed=2)
    save_rule(task.pk, spec=spec, replaces=rule, by=administrator, door=Door.ADMIN)


def refusal_of(invalid) -> str:
    (error,) = invalid.value.form.errors.as_data()["__all__"]
    assert error.code == "reviewers"
    return str(error.message)


def test_nobody_else_is_asked(put_to, bob, carol, approve):
    run = put_to(bob)
    assert list(to_decide(bob)) == [run.approval]
    assert not to_decide(carol).exists()
    with pytest.raises(NotEligible):
        approve(run, by=carol)
    approve(run, by=bob)
    assert run.status == "queued"


def test_without_a_pick_everybody_is_asked(put_to, bob, carol):
    run = put_to()
    assert to_decide(bob).exists()
    assert to_decide(carol).exists()
    assert not run.approval.stages.get().picked


def test_a_group_stands_for_its_members_and_goes_with_people(
    put_to, two_must_agree, bob, carol, erin, leads
):
    put_to(leads, bob)
    assert to_decide(erin).exists()
    assert to_decide(bob).exists()
    assert not to_decide(carol).exists()


def test_who_may_not_approve_it_cannot_be_picked(put_to, mallory):
    with pytest.raises(InvalidValues) as invalid:
        put_to(mallory)
    assert "Mallory Example cannot approve this." in refusal_of(invalid)


def test_a_group_that_approves_something_else_cannot_be_picked(put_to, leads, erin):
    with pytest.raises(InvalidValues) as invalid:
        put_to(leads)
    assert "Leads cannot approve this" in refusal_of(invalid)


def test_nobody_picks_themselves(put_to, task, bob):
    set_right(task, Right.EXECUTE, to=bob)
    with pytest.raises(InvalidValues) as invalid:
        put_to(bob, by=bob)
    assert "Bob Example cannot approve this." in refusal_of(invalid)


def test_too_few_are_not_enough(put_to, two_must_agree, bob):
    with pytest.raises(InvalidValues) as invalid:
        put_to(bob)
    assert "needs 2 approvals, and you selected 1 reviewer who can approve" in refusal_of(invalid)


def test_one_person_does_not_do_for_two_stages(put_to, task, administrator, bob, approvers):
    spec = RuleSpec("Once more", "amount > 100", groups=[approvers], position=2)
    save_rule(task.pk, spec=spec, by=administrator, door=Door.ADMIN)
    with pytest.raises(InvalidValues) as invalid:
        put_to(bob)
    assert "This needs 2 approvals, and you selected 1 reviewer who can approve" in refusal_of(
        invalid
    )


def test_a_stage_of_which_nobody_is_picked_asks_everybody(
    put_to, task, administrator, bob, carol, erin, leads, approve
):
    spec = RuleSpec("A lead", "amount > 100", groups=[leads], position=2)
    save_rule(task.pk, spec=spec, by=administrator, door=Door.ADMIN)
    run = put_to(bob)
    assert [stage.picked for stage in run.approval.stages.all()] == [True, False]
    approve(run, by=bob)
    assert to_decide(erin).exists()


def test_a_pick_does_not_bring_in_approval_where_none_is_needed(put_to, bob):
    assert put_to(bob, amount="20.00").approval is None


def test_only_those_who_could_approve_are_offered(
    task, alice, bob, carol, mallory, approvers, leads
):
    offered = candidates(task, alice)
    assert set(offered.people) == {bob, carol}
    assert list(offered.groups) == [approvers]
    assert bob not in candidates(task, bob).people


def test_the_page_offers_them_and_says_who_picked(task, alice, bob, carol, approvers):
    client = signed_in(alice)
    form = client.get(form_of(task))
    assert f'value="person-{bob.pk}"' in form.text
    assert f'value="group-{approvers.pk}"' in form.text
    sent = {
        "amount": "150.00",
        "amount_currency": "USD",
        "run-reason": "The parcel was late",
        "run-reviewers": [f"person-{bob.pk}"],
    }
    client.post(form_of(task), sent)
    asked = task.runs.get().approval
    (stage,) = explain(asked, bob, now=database_now()).stages
    assert (stage.picked, stage.may_decide) == (True, "Bob Example")
    page = signed_in(bob).get(url("approvals_approvalrequest_change", asked.pk))
    assert "Alice Example chose these reviewers" in words(page)


def test_somebody_who_was_not_offered_is_refused_beside_the_field(task, alice, carol, mallory):
    sent = {
        "amount": "150.00",
        "amount_currency": "USD",
        "run-reason": "The parcel was late",
        "run-reviewers": [f"person-{mallory.pk}"],
    }
    page = signed_in(alice).post(form_of(task), sent)
    assert "One of these people can no longer approve this" in words(page)
    assert not task.runs.exists()
