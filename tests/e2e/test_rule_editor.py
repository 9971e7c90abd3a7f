"""Erin builds a rule with the keyboard alone, tries it, and proposes it. S4."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE

pytestmark = pytest.mark.e2e
NEW = "/tasks/task/issue-credit/settings/rules/new/"


def tab_to(page: Page, label: str) -> None:
    """Go there with the Tab key."""
    wanted = page.get_by_label(label, exact=True).or_(page.get_by_role("button", name=label)).first
    for _ in range(80):
        if wanted.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {label}.")


def choose(page: Page, label: str, typed: str) -> None:
    tab_to(page, label)
    page.keyboard.type(typed)


def test_a_rule_is_built_tried_and_proposed_by_keyboard(sign_in, accessible):
    erin = sign_in("erin")
    erin.goto(NEW)
    sentence = erin.locator("[data-sentence]")
    accessible(erin)

    choose(erin, "Name", "Large credits by the web")
    choose(erin, "Value", "50.00")
    expect(sentence).to_contain_text("the amount is above 50.00")
    tab_to(erin, "Add a part")
    erin.keyboard.press("Enter")
    part = erin.get_by_role("group", name="Part 2")
    field = part.get_by_label("Field")
    expect(field).to_be_focused()
    erin.keyboard.type("Requested")
    expect(part.get_by_label("Value")).to_have_value('"admin"')
    expect(field).to_be_focused()
    expect(sentence).to_contain_text("and it is requested via the web")
    accessible(erin)

    try_and_propose(erin, accessible)


def try_and_propose(erin: Page, accessible: Callable[[Page], None]) -> None:
    tab_to(erin, "Support Managers")
    erin.keyboard.press("Space")
    tab_to(erin, "Test against the last 90 days")
    erin.keyboard.press("Enter")
    expect(erin.locator("#answer")).to_be_focused()
    expect(erin.locator("#answer")).to_contain_text("would have needed approval")
    accessible(erin)

    # The answer is below what was typed; a form that lacks something says so where it is read.
    erin.get_by_label("Name", exact=True).focus()
    tab_to(erin, "Reason for the change")
    erin.keyboard.press("Enter")
    summary = erin.locator(".bo-errors")
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport()
    erin.keyboard.press("Tab")
    erin.keyboard.press("Enter")
    erin.keyboard.type("Decided on Monday")
    expect(erin.get_by_label("Reason for the change")).to_have_value("Decided on Monday")
    erin.keyboard.press("Enter")
    erin.wait_for_url(re.compile(r"/settings/(#.*)?$"))
    expect(erin.locator("body")).to_contain_text("Large credits by the web")
    expect(erin.locator("body")).to_contain_text("Awaiting approval from Evan Doyle")


def test_on_a_phone_the_same_form_and_code_for_who_wants_it(sign_in, accessible):
    erin = sign_in("erin", viewport=PHONE)
    erin.goto(NEW)
    erin.get_by_role("button", name="Edit as code").click()
    expect(erin.get_by_text("Complete the marked parts")).to_be_visible()
    erin.get_by_label("Value", exact=True).fill("1.250")
    erin.get_by_role("button", name="Edit as code").click()
    expect(erin.get_by_text("Write 1250, or 1.25.")).to_be_visible()
    erin.get_by_label("Value", exact=True).fill("1250")
    erin.get_by_role("button", name="Edit as code").click()
    code = erin.get_by_label("Condition as code")
    expect(code).to_have_value("amount > 1250")
    code.fill("amount > 1.250")
    expect(erin.locator("[data-sentence]")).to_contain_text("can be read in two ways")
    accessible(erin)
