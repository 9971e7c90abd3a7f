"""The condition of a rule, built from the fields of its task. S4."""

import re

import pytest

from audit.context import Door
from tasks.actions import RuleSpec
from tests.rules import save_rule
from tests.tasks.admin.reading import in_force, rule_form, settings_of, signed_in, words

PART = {"field": "amount", "was": "amount", "comparison": "gt", "value": "50.00"}
TOTAL = {
    "field": "sum(amount)", "was": "sum(amount)", "comparison": "ge", "value": "500", "number": "24",
    "unit": "hour", "by": ["requester"], "with_this": "on",
}  # fmt: skip


def sent(*parts, **more):
    """What the form sends of these parts."""
    found = {"editor": "fields", "parts": str(len(parts)), "name": "Large credits", **more}
    for number, part in enumerate(parts):
        found |= {f"part-{number}-{name}": value for name, value in part.items()}
    return found


@pytest.fixture
def edit(task, erin, approvers):
    """Press one of the buttons of the condition, as the script of the page does."""

    def press(pressed, *parts, headers=None, **more):
        data = sent(*parts, **more) | {"edit": pressed}
        headers = {"X-Part": "condition"} if headers is None else headers
        return signed_in(erin).post(rule_form(task), data, headers=headers)

    return press


@pytest.fixture
def propose(task, erin, approvers):
    def press(*parts, **more):
        rest = {"groups": [approvers.pk], "needed": "1", "position": "2", "reason": "Decided"}
        return signed_in(erin).post(rule_form(task), sent(*parts, **rest | more))

    return press


def values(response) -> list[dict[str, str]]:
    """The parts on a page: what each of their fields holds."""
    editor = response.context["editor"]
    return [
        {name: each[name].value() for name in ("field", "comparison", "value")}
        for each in editor.parts
    ]


def test_a_rule_is_built_from_parts(task, propose):
    door = {"joined": "or", "field": "door", "comparison": "in", "value": ['"api"', '"slack"']}
    answer = propose(PART, {"joined": "and", **TOTAL}, door)
    assert answer.url == settings_of(task)
    rule = task.rules.get(name="Large credits")
    assert rule.condition == (
        "(amount > 50.00 and sum(amount) by requester over 24 hours + amount >= 500) "
        'or door in ["api", "slack"]'
    )


def test_without_parts_every_run_needs_approval(task, propose, edit):
    assert "Every run needs approval." in words(edit("update"))
    propose()
    assert task.rules.get(name="Large credits").condition == "true"


def test_the_condition_is_read_as_a_sentence_while_it_is_built(edit):
    piece = words(edit("update", PART, {"joined": "and", **TOTAL}))
    assert (
        "Needs approval if the amount is above 50.00 USD and the total amount requested by the same "
        "person within 24 hours is 500.00 USD or more." in piece
    )
    assert "amount > 50.00 and sum(amount) by requester over 24 hours + amount >= 500" in piece
    assert "<html" not in edit("update", PART).text
    assert "Complete the parts" in words(edit("update", PART | {"value": ""}))


def test_parts_are_added_and_removed_and_nothing_typed_is_lost(edit):
    answer = edit("add", PART)
    assert values(answer)[0] == {"field": "amount", "comparison": "gt", "value": "50.00"}
    assert len(values(answer)) == 2
    assert 'data-focus="id_part-1-field"' in answer.text
    answer = edit("remove-0", PART, {"joined": "or", **TOTAL})
    assert [each["field"] for each in values(answer)] == ["sum(amount)"]
    assert edit("remove-7", PART).context["editor"].parts
    assert not edit("remove-0", PART).context["editor"].parts


def test_about_another_field_nothing_is_said_yet(edit):
    answer = edit("update", PART | {"field": "door"})
    assert values(answer) == [{"field": "door", "comparison": "eq", "value": '"admin"'}]
    assert "requested via the web" in words(answer)


def test_nothing_is_marked_before_it_is_sent(edit, propose):
    empty = PART | {"value": ""}
    assert "bo-error" not in edit("update", empty).text
    shown = propose(empty)
    assert "Value: This field is required." in words(shown)
    assert "Complete the marked parts of the condition." in words(shown)


def test_code_and_fields_lead_to_each_other(edit):
    code = edit("code", PART)
    assert (
        'name="condition" id="id_condition" maxlength="1000" value="amount &gt; 50.00"' in code.text
    )
    again = edit("fields", editor="code", condition="amount>50.00")
    assert values(again) == [{"field": "amount", "comparison": "gt", "value": "50.00"}]
    stays = edit("fields", editor="code", condition="amount * 2 > 5")
    assert "This condition cannot be shown as fields. It stays as code." in words(stays)
    assert 'value="amount * 2 &gt; 5"' in stays.text
    assert values(edit("code", PART | {"value": "x"})) == [
        {"field": "amount", "comparison": "gt", "value": "x"}
    ]


def test_without_a_script_the_whole_page_comes_back_with_what_was_typed(edit, task):
    page = edit("add", PART, headers={}, reason="Decided", expires_after="2 hours")
    assert page.status_code == 200
    assert "<html" in page.text
    assert 'value="2 hours"' in page.text
    assert "Decided" in page.text
    assert "bo-errors" not in page.text
    assert in_force(task) == ["Credits above 100"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"value": "1.250"}, "“1.250” can be read in two ways. Write 1250, or 1.25."),
        ({"value": "1 or true"}, "Enter a number such as 1000.00."),
        ({"field": "amount_currency", "was": "amount_currency", "value": '"XYZ"'}, "valid choice"),
        ({"field": "nothing", "was": "nothing"}, "valid choice"),
        ({"comparison": "has"}, "valid choice"),
    ],
)
def test_a_part_that_means_nothing_is_refused_beside_it(task, propose, part, said):
    assert said in words(propose(PART | part))
    assert in_force(task) == ["Credits above 100"]


def test_a_rule_that_can_be_shown_opens_as_fields_and_another_as_code(task, rule, erin):
    page = signed_in(erin).get(rule_form(task, rule))
    assert values(page) == [{"field": "amount", "comparison": "gt", "value": "100"}]
    spec = RuleSpec("Doubled", "amount * 2 > 100", list(rule.groups.all()))
    save_rule(task.pk, spec=spec, by=erin, door=Door.ADMIN)
    page = signed_in(erin).get(rule_form(task, task.rules.get(name="Doubled")))
    assert 'value="amount * 2 &gt; 100"' in page.text
    assert "Needs approval if “Doubled” applies." in words(page)


def test_what_is_wrong_is_said_at_the_top_with_a_link_to_where_it_is(propose):
    page = propose(PART | {"value": ""}, reason="", expires_after="soon").text
    links = re.findall(r'<a href="#(id_[^"]+)">', page)
    assert links == ["id_condition", "id_expires_after", "id_reason"]
    assert all(f'id="{link}"' in page for link in links)


def test_options_that_say_nothing_are_folded(task, rule, erin, propose):
    page = signed_in(erin).get(rule_form(task, rule)).text
    assert page.count("<details>") == 3
    assert "This task takes no rows." in page
    assert propose(PART, reason="", expires_after="4 hours").text.count("<details open>") == 2


def test_it_is_tried_beside_the_form_as_it_is_built(task, erin, alice, approvers):
    data = sent(PART, groups=[approvers.pk], needed="1", position="2") | {
        "who-requester": alice.pk, "who-door": "admin", "try-amount": "60",
        "try-amount_currency": "USD", "try": "values",
    }  # fmt: skip
    page = signed_in(erin).post(rule_form(task), data)
    assert "Large credits: amount > 50.00 applies." in words(page)
    assert values(page) == [{"field": "amount", "comparison": "gt", "value": "50.00"}]
