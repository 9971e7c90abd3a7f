"""“Try it” on the page of a rule: an answer, and nothing else. S4, S13, S26."""

import pytest
from django.urls import reverse

from approvals.models import ApprovalRequest
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import RuleSpec
from tasks.actions.changes.grants import set_right
from tasks.models import ApprovalRule, Run, StoredSecret
from tests.rules import save_rule
from tests.tasks.admin.reading import rule_form, signed_in, words


@pytest.fixture
def try_it(task, erin, alice, approvers):
    """Press one of the two buttons below the form of a rule."""

    def press(pressed="values", rule=None, by=erin, **changes):
        sent = {
            "name": "Many of them",
            "condition": "sum(amount) by requester over 24 hours + amount > 60",
            "groups": [approvers.pk],
            "needed": "2",
            "position": "2",
            "who-requester": alice.pk,
            "who-door": "admin",
            "try-amount": "30",
            "try-amount_currency": "USD",
            "try": pressed,
        } | changes
        return signed_in(by).post(rule_form(task, rule), sent)

    return press


def test_it_says_which_rules_apply_who_could_approve_and_for_how_long(try_it, ask):
    ask("40")
    shown = words(try_it(expires_after="4 hours"))
    assert "Needs approval in 1 stage. Expires after 4 hours." in shown
    assert "Many of them : 2 of Bob Example or Carol Example." in shown
    assert "sum(amount) by requester over 24 hours is 40.00 USD before this run." in shown
    assert "Credits above 100: amount > 100 does not apply." in shown


def test_what_runs_at_once_is_said(try_it):
    assert "Runs immediately." in words(try_it())


def test_all_rules_in_force_are_asked_beside_it(try_it):
    shown = words(try_it(needed="1", **{"try-amount": "150"}))
    assert "Needs approval in 2 stages. Expires after 3 days." in shown


def test_a_changed_rule_takes_the_place_of_its_old_version(try_it, rule):
    shown = words(try_it(rule=rule, condition="amount > 200", **{"try-amount": "150"}))
    assert "Runs immediately." in shown
    assert "amount > 100 does not apply" not in shown


def test_the_requester_is_not_among_those_who_could_approve(try_it, bob, task):
    set_right(task, Right.EXECUTE, to=bob)
    shown = words(try_it(needed="1", **{"who-requester": bob.pk, "try-amount": "70"}))
    assert "Many of them : 1 of Carol Example." in shown


def test_nobody_is_tried_as_a_requester_who_may_not_ask(try_it, carol):
    assert try_it(**{"who-requester": carol.pk}).context["trying"].trial is None


def test_too_few_people_are_said(try_it):
    shown = words(try_it(needed="2", **{"try-amount": "150"}))
    assert "Too few reviewers for all stages together" in shown


def test_it_saves_nothing_and_asks_nobody(try_it, erin):
    rules, runs = ApprovalRule.objects.count(), Run.objects.count()
    try_it(**{"try-amount": "150"})
    try_it("history")
    assert (ApprovalRule.objects.count(), Run.objects.count()) == (rules, runs)
    assert not ApprovalRequest.objects.exists()
    assert ApprovalRule.history.count() == rules


def test_the_past_is_asked_run_by_run(try_it, ask):
    for amount in ("40", "30", "150", "10"):
        ask(amount)
    response = try_it("history")
    shown = words(response)
    assert "3 of 4 runs of the last 90 days would have needed approval under this rule." in shown
    assert "1 did." in shown
    listed = response.context["trying"].past.would_wait
    assert [run.values["amount"]["amount"] for run in listed] == ["10.00", "150.00", "30.00"]


def test_the_past_agrees_with_what_happened(task, try_it, erin, ask, approvers):
    condition = "sum(amount) by requester over 24 hours + amount > 60"
    spec = RuleSpec("Sums", condition, [approvers], position=2)
    save_rule(task.pk, spec=spec, by=erin, door=Door.ADMIN)
    runs = [ask(amount) for amount in ("40", "20", "0.01", "5", "20", "1")]
    past = try_it("history").context["trying"].past
    assert {run.pk for run in past.would_wait} == {run.pk for run in runs if run.needs_approval}
    assert past.did_wait == 4


def test_what_is_wrong_with_rule_or_values_is_said_beside_it(try_it):
    shown = words(try_it(condition="amont > 5"))
    assert "Did you mean “amount”?" in shown
    assert "Needs approval in" not in shown
    assert "Needs approval in" not in words(try_it(**{"try-amount": "many"}))


def test_the_reason_is_needed_to_save_and_not_to_try(try_it):
    assert "reason" not in try_it().context["form"].errors


def test_who_administers_may_search_for_objects_to_try_it_with(key_task, root, alice, mallory):
    address = reverse("admin:tasks_task_try_options", args=[key_task.slug, "who"])
    found = signed_in(root).get(address, {"term": "ali"}).json()["results"]
    assert [each["text"] for each in found] == [f"{alice} · alice"]
    assert signed_in(alice).get(address).status_code == 404
    assert signed_in(mallory).get(address).status_code == 404


def test_no_secret_and_no_file_is_kept(key_task, root, alice, bob, approvers):
    set_right(key_task, Right.APPROVE, to=bob)
    sent = {
        "name": "Always",
        "condition": "true",
        "needed": "1",
        "position": "1",
        "who-requester": alice.pk,
        "who-door": "admin",
        "try-key": "a canary of a key",
        "try-service": "mail",
        "try-who": bob.pk,
        "try": "values",
    }
    page = signed_in(root).post(rule_form(key_task), sent)
    assert "Needs approval in 1 stage" in words(page)
    assert "canary" not in page.content.decode()
    assert not StoredSecret.objects.exists()


def test_who_does_not_administer_the_task_tries_nothing(try_it, alice):
    assert try_it(by=alice).status_code == 404
