"""The form of an approval rule. S4."""

from datetime import timedelta

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import RuleSpec, retire_task
from tasks.actions.changes.grants import set_right
from tests.people import person
from tests.rules import end_rule, save_rule
from tests.tasks.admin.reading import (
    ending,
    in_force,
    rule_form,
    settings_of,
    signed_in,
    url,
    words,
)


@pytest.fixture
def send_rule(task, erin, approvers):
    """Send the form of a rule: of a new one, or of the one named."""

    def send(rule=None, **changes):
        sent = {
            "name": "Credits above 500",
            "condition": "amount > 500",
            "groups": [approvers.pk],
            "people": "",
            "needed": "2",
            "position": "2",
            "reason": "Decided on Monday",
        } | changes
        return signed_in(erin).post(rule_form(task, rule), sent)

    return send


def test_a_new_rule_of_a_lone_administrator_is_in_force_at_once(
    task, send_rule, erin, approvers, ask
):
    response = send_rule(needed="1")
    assert response.url == settings_of(task)
    rule = task.rules.get(name="Credits above 500")
    assert (rule.condition, rule.needed, rule.position) == ("amount > 500", 1, 2)
    assert list(rule.groups.all()) == [approvers]
    assert (
        rule.history.first().history_change_reason
        == "Decided on Monday (without a second administrator)"
    )
    assert rule.history.first().history_user == erin
    assert ask("501").approval.stages.count() == 2


def test_a_rule_can_name_people(task, send_rule, bob, carol):
    send_rule(groups=[], people="bob, CAROL@example.com")
    assert set(task.rules.get(name="Credits above 500").people.all()) == {bob, carol}


def test_a_change_ends_the_old_version_and_keeps_it(task, rule, send_rule, erin):
    send_rule(rule, needed="1")
    rule.refresh_from_db()
    assert rule.ended_at
    assert rule.replaced_by.version == 2
    shown = words(signed_in(erin).get(settings_of(task)))
    in_words = "Needs approval from Approvers if the amount is above 100.00 USD."
    assert f"Credits above 100 , version 1: {in_words} amount > 100" in shown
    assert "Ended by Mallory Example (mallory) Decided on Monday" in shown


def test_the_form_of_a_rule_holds_what_the_rule_says(task, rule, erin, bob):
    rule.people.add(bob)
    page = signed_in(erin).get(rule_form(task, rule)).content.decode()
    assert 'name="part-0-value" value="100"' in page
    assert 'value="bob"' in page


def test_the_form_lists_the_names_that_a_condition_can_use(task, erin):
    shown = words(signed_in(erin).post(rule_form(task), {"editor": "code", "edit": "update"}))
    assert 'amount number amount_currency always "USD"' in shown
    assert "amount > 100" in shown


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("amont > 100", "Did you mean “amount”?"),
        ("amount >", "This condition is not complete"),
        ("amount", "is not true or false"),
        ('amount > "100"', "The names you can use"),
    ],
)
def test_a_condition_that_cannot_hold_is_explained_beside_it(task, send_rule, condition, said):
    response = send_rule(condition=condition)
    assert said in str(response.context["form"].errors["condition"])
    assert "Decided on Monday" in response.content.decode()
    assert in_force(task) == ["Credits above 100"]


def test_a_rule_under_which_nobody_could_approve_is_refused_beside_its_groups(task, send_rule):
    response = send_rule(needed="3")
    assert "only 2 active people can approve" in str(response.context["form"].errors["groups"])
    assert in_force(task) == ["Credits above 100"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"people": "nobody-here"}, "people"),
        ({"reason": " "}, "reason"),
        ({"needed": "0"}, "needed"),
        ({"position": "0"}, "position"),
        ({"name": ""}, "name"),
        ({"groups": ["999999"]}, "groups"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(task, send_rule, changes, field):
    assert list(send_rule(**changes).context["form"].errors) == [field]
    assert in_force(task) == ["Credits above 100"]


def test_a_rule_says_for_how_long_and_how(task, send_rule, approvers, erin):
    send_rule(
        needed="1",
        expires_after="2 days",
        remind_after="4 hours",
        escalate_after="36 hours",
        escalate_to=[approvers.pk],
        fresh_proof="on",
        may_serve_twice="on",
    )
    rule = task.rules.get(name="Credits above 500")
    assert rule.expires_after == timedelta(days=2)
    shown = words(signed_in(erin).get(settings_of(task)))
    assert (
        "Expires after 2 days, reminds after 4 hours, escalates to Approvers after 36 hours, "
        "requires a password to approve, allows the same reviewer in several stages." in shown
    )
    page = signed_in(erin).get(rule_form(task, rule)).content.decode()
    assert 'value="36 hours"' in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"expires_after": "soon"}, "expires_after"),
        ({"expires_after": "0 days"}, "expires_after"),
        ({"expires_after": "400 days"}, "expires_after"),
        ({"remind_after": "3 days"}, "remind_after"),
        ({"remind_after": "2 hours", "expires_after": "1 hour"}, "remind_after"),
        ({"escalate_after": "1 day"}, "escalate_to"),
    ],
)
def test_times_that_do_not_fit_are_said_beside_their_fields(task, send_rule, changes, field):
    assert list(send_rule(needed="1", **changes).context["form"].errors) == [field]
    assert in_force(task) == ["Credits above 100"]


def test_who_comes_second_is_told_and_overwrites_nothing(task, rule, send_rule, erin, approvers):
    spec = RuleSpec("Other", "amount > 200", [approvers])
    save_rule(task.pk, spec=spec, replaces=rule, by=erin, door=Door.ADMIN)
    assert send_rule(rule).url == settings_of(task)
    assert in_force(task) == ["Other"]


def test_ending_a_rule_needs_a_reason(task, rule, erin):
    signed_in(erin).post(ending(task, rule), {"reason": " "})
    assert in_force(task) == ["Credits above 100"]
    signed_in(erin).post(ending(task, rule), {"reason": "Nobody needs it"})
    assert in_force(task) == []
    assert (
        rule.history.first().history_change_reason
        == "Nobody needs it (without a second administrator)"
    )


def test_a_rule_is_ended_once(task, rule, erin):
    end_rule(rule.pk, by=erin, door=Door.ADMIN)
    response = signed_in(erin).post(ending(task, rule), {"reason": "Again"}, follow=True)
    assert "Somebody else has changed this rule." in words(response)


def test_a_retired_task_gets_no_rules(task, erin):
    retire_task(task)
    client = signed_in(erin)
    assert client.get(settings_of(task)).status_code == 200
    assert "Add a rule" not in words(client.get(settings_of(task)))
    assert client.get(rule_form(task)).status_code == 404


# --- With a second administrator


@pytest.fixture
def evan(task):
    evan = person("Evan")
    set_right(task, Right.CHANGE, to=evan)
    return evan


def test_a_rule_that_is_saved_waits_for_the_other_administrator(task, rule, send_rule, evan, erin):
    client = signed_in(erin)
    answer = client.get(send_rule(rule, needed="1").url)
    assert in_force(task) == ["Credits above 100"]
    shown = words(answer)
    assert "Proposed changes" in shown
    assert "Change the rule “Credits above 500” of “Test credit” Decided on Monday" in shown
    assert "Awaiting approval from Evan Example." in shown


def test_who_saves_it_is_told_whom_it_waits_for(task, rule, erin, evan, approvers):
    response = signed_in(erin).post(ending(task, rule), {"reason": "Nobody needs it"}, follow=True)
    assert "It takes effect when Evan Example approves it." in words(response)


def test_the_other_reads_the_rule_before_and_after_and_agrees(task, rule, send_rule, evan):
    send_rule(rule, needed="1")
    asked = task.proposed_changes.get().approval
    client = signed_in(evan)
    page = client.get(url("approvals_approvalrequest_change", asked.pk))
    assert "Condition Before: amount > 100 After: amount > 500" in words(page)
    title = "Change the rule “Credits above 500” of “Test credit”"
    assert f"{title} · proposed by Mallory Example" in words(page)
    assert settings_of(task) in page.content.decode()
    client.post(
        url("approvals_approvalrequest_decide", asked.pk),
        {"verdict": "approve", "seal": asked.seal},
    )
    assert in_force(task) == ["Credits above 500"]


def test_only_who_may_decide_it_is_led_to_it(task, rule, send_rule, evan, root):
    send_rule(rule, needed="1")
    third = person("Third")
    set_right(task, Right.CHANGE, to=third)
    asked = url("approvals_approvalrequest_change", task.proposed_changes.get().approval_id)
    assert asked in signed_in(root).get(settings_of(task)).content.decode()
    page = signed_in(third).get(settings_of(task))
    assert asked not in page.content.decode()
    assert "Credits above 500" in words(page)


def test_a_second_change_of_the_same_rule_is_refused_in_words(task, rule, send_rule, evan):
    send_rule(rule, needed="1")
    assert "has already proposed a change" in words(send_rule(rule, needed="1"))


def test_the_form_says_what_a_change_takes(task, erin, request):
    def says():
        return words(signed_in(erin).get(rule_form(task)))

    assert "so your change takes effect at once." in says()
    evan = request.getfixturevalue("evan")
    assert "Changes need approval from another task administrator: Evan Example." in says()
    set_right(task, None, to=evan)
    assert "you are the only one." in says()
