"""A manager approves from an email, in a browser."""

import os

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import eventually
from tests.e2e.conftest import PHONE
from tests.e2e.test_journey import ask_for_credit

pytestmark = pytest.mark.e2e


def look(page, name):
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_mona_opens_the_link_of_her_email_and_approves(sign_in, accessible):
    sam, mona = sign_in("sam"), sign_in("mona", PHONE)
    ask_for_credit(sam, "172.00")
    mona.goto("/sent/")
    look(mona, "sent")
    accessible(mona)
    mail = (
        mona.locator("article")
        .filter(has_text="Email to mona@")
        .filter(has_text="172.00")
        .filter(has=mona.get_by_role("link", name="Review request"))
    )

    def sent() -> int:
        mona.reload()  # a worker sends it; the page shows what was sent when it was opened
        return mail.count()

    eventually(sent)
    mail.first.get_by_role("link", name="Review request").click()
    look(mona, "by-mail")
    assert "/a/" not in mona.url
    accessible(mona)
    mona.get_by_role("button", name="Approve").click()
    expect(mona.get_by_text("You approved")).to_be_visible()
    mona.goto("/approvals/approvalrequest/notification_settings/")
    look(mona, "notification_settings")
    accessible(mona)


def test_erin_sees_what_went_out(sign_in, accessible):
    erin = sign_in("erin")
    erin.goto("/approvals/approvalrequest/messages/")
    expect(erin.get_by_text("Email to").first).to_be_visible()
    look(erin, "messages")
    accessible(erin)
