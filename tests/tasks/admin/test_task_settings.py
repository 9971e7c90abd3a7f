"""The settings of a task: who gets there, what they say and warn about. S19, S22."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import RuleSpec
from tasks.actions.changes.grants import set_right
from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.registry import registry
from tasks.declaration.slack import InSlack
from tests.people import join
from tests.rules import end_rule, save_rule
from tests.tasks.admin.reading import (
    count_queries,
    ending,
    in_force,
    rule_form,
    settings_of,
    signed_in,
    words,
)

LIST = "admin:tasks_task_settings_list"


def test_the_list_holds_the_tasks_one_administers(task, erin, dave, root):
    shown = words(signed_in(erin).get(reverse(LIST)))
    assert "Test credit Tests Testers 1 0 groups, 3 people" in shown
    assert "You don't administer any task." in words(signed_in(dave).get(reverse(LIST)))
    assert "Test credit" in words(signed_in(root).get(reverse(LIST)))


@pytest.mark.parametrize("right", [None, Right.VIEW, Right.REQUEST, Right.EXECUTE, Right.APPROVE])
def test_without_the_right_to_administer_nothing_can_be_seen_or_changed(task, rule, dave, right):
    set_right(task, right, to=dave)
    client = signed_in(dave)
    for url in (settings_of(task), rule_form(task), rule_form(task, rule)):
        assert client.get(url).status_code == 404
    for url in (
        rule_form(task),
        rule_form(task, rule),
        ending(task, rule),
        reverse("admin:tasks_task_grants", args=[task.slug]),
    ):
        assert client.post(url, {"reason": "because"}).status_code == 404
    assert in_force(task) == ["Credits above 100"]


@pytest.mark.parametrize("name", ["tasks_task_grants", "tasks_task_rule_end"])
def test_following_a_link_changes_nothing(task, erin, rule, name):
    arguments = [task.slug] if name == "tasks_task_grants" else [task.slug, rule.pk]
    assert signed_in(erin).get(reverse(f"admin:{name}", args=arguments)).status_code == 405


def test_the_rule_of_another_task_is_not_found(task, erin, rule):
    other = rule.task
    other.pk, other.slug = None, "another"
    other.save()
    set_right(other, Right.CHANGE, to=erin)
    assert signed_in(erin).get(rule_form(other, rule)).status_code == 404
    assert signed_in(erin).post(ending(other, rule), {"reason": "x"}).status_code == 404


def test_the_catalogue_leads_there_for_who_administers(task, erin, alice):
    page = reverse("admin:tasks_task_changelist")
    assert settings_of(task) in signed_in(erin).get(page).content.decode()
    assert settings_of(task) not in signed_in(alice).get(page).content.decode()


# --- What the page says


def test_it_says_what_comes_from_the_code(task, erin):
    shown = words(signed_in(erin).get(settings_of(task)))
    assert "Owner Testers Time limit 60 seconds" in shown
    assert "Safe to retry No" in shown


def test_it_says_how_it_is_run_without_approval_and_what_slack_may_do(task, erin, monkeypatch):
    glass = BreakGlass("On call", per_day=2, up_to=Decimal(1500))
    slack = InSlack("decide", up_to=Decimal(200))
    code = replace(registry.get(task.slug), break_glass=glass, slack=slack)
    monkeypatch.setitem(registry._tasks, task.slug, code)
    said = words(signed_in(erin).get(settings_of(task)))
    assert "Members of “On call”, twice in 24 hours, up to 1,500. Two people review it." in said
    assert "The whole request, with buttons to decide, up to 200" in said
    assert "Moves money Yes" in said


def test_it_says_the_rules_in_words(task, erin):
    shown = words(signed_in(erin).get(settings_of(task)))
    assert (
        "Credits above 100 Needs approval from Approvers if the amount is above 100.00 USD. amount > 100"
    ) in shown


def test_it_costs_the_same_for_one_group_as_for_thirty(task, erin):
    few = count_queries(signed_in(erin), settings_of(task))
    for number in range(29):
        group = Group.objects.create(name=f"Group {number}")
        set_right(task, Right.VIEW, to=group)
    assert count_queries(signed_in(erin), settings_of(task)) == few


# --- Warnings


def test_all_is_well_without_a_warning(task, erin):
    assert "Warning:" not in words(signed_in(erin).get(settings_of(task)))


def test_a_rule_without_enough_people_is_pointed_out(task, erin, bob, carol):
    for member in (bob, carol):
        member.is_active = False
        member.save()
    shown = words(signed_in(erin).get(settings_of(task)))
    assert "The rule “Credits above 100” needs 1 approval, but only 0 active people" in shown


def test_a_requester_who_would_be_the_only_other_decider_is_pointed_out(
    task, erin, alice, bob, carol, approvers
):
    join(alice, approvers)
    save_rule(
        task.pk, spec=RuleSpec("All three", "true", [approvers], needed=3), by=erin, door=Door.ADMIN
    )
    shown = words(signed_in(erin).get(settings_of(task)))
    assert "when Alice Example requests it, too few reviewers are left." in shown


def test_rules_that_need_more_people_together_than_there_are_are_pointed_out(
    task, erin, approvers, bob, carol
):
    spec = RuleSpec("Two of them", "amount > 500", [approvers], needed=2)
    save_rule(task.pk, spec=spec, by=erin, door=Door.ADMIN)
    shown = words(signed_in(erin).get(settings_of(task)))
    assert "All rules together need 3 approvals, but only 2 active people can approve." in shown


def test_a_task_that_nobody_can_ask_for_is_pointed_out(task, alice, root):
    set_right(task, None, to=alice)
    shown = words(signed_in(root).get(settings_of(task)))
    assert "Nobody can request or run this task yet. Grant a permission." in shown


def test_a_requester_without_anybody_who_may_run_it_is_pointed_out(task, rule, erin, alice, dave):
    end_rule(rule.pk, by=erin, door=Door.ADMIN)
    for person in (alice, erin):
        set_right(task, None, to=person)
    set_right(task, Right.REQUEST, to=dave)
    join(dave, rule.groups.get())
    erin.is_superuser = True
    erin.save()
    shown = words(signed_in(erin).get(settings_of(task)))
    assert "Without a rule, a request needs 1 approval, but only 0 active people" in shown
