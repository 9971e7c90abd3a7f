"""The demo's Slack is on the page of sent messages, and its buttons press."""

import pytest
from django.db import connection
from django.test import Client

from approvals.actions import pump
from approvals.models import Decision, SlackMode
from backoffice.models import User
from tests.approvals.channels.slack import BOB, deliver, link, slack
from tests.approvals.conftest import ask
from tests.tasks.admin.reading import words

__all__ = ["ask", "slack"]

BACKEND = "backoffice.sign_in.NameOrEmailBackend"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(ask, slack, bob, monkeypatch):
    monkeypatch.setenv("BACKOFFICE_DEMO", "1")
    slack.deliver = from_a_thread_of_the_double
    link(bob, BOB)
    request = ask(slack_mode=SlackMode.DECIDE)
    pump()
    return request


def from_a_thread_of_the_double(body, headers):
    try:
        return deliver(body, headers)
    finally:
        connection.close()


def press(slack, by="bob", **sent):
    """Press as Bob's account, signed in as somebody, or as nobody."""
    newest = slack.messages(BOB)[-1]
    where = {"user": BOB, "channel": newest["channel"], "ts": newest["ts"]}
    return at(by).post("/sent/slack/", where | sent, follow=True)


def at(by):
    client = Client()
    if by:
        client.force_login(User.objects.get(username=by), backend=BACKEND)
    return client


def test_a_message_stands_there_as_its_reader_sees_it(asked):
    text = words(at("bob").get("/sent/"))
    assert "Slack: to Bob" in text
    assert "“Issue credit: 150.00 USD” · requested by Alice Example (alice)" in text
    assert "Approve Reject… Open" in text


def test_approve_presses(asked, slack):
    assert "Approved by Bob Example via Slack" in words(press(slack, action_id="approve"))
    assert Decision.objects.get().door == "slack"


@pytest.mark.parametrize("by", ["alice", "carol", ""])
def test_nobody_else_presses_it(by, asked, slack):
    answer = words(press(slack, by=by, action_id="approve"))
    # The page has messages where somebody is signed in.
    assert ("Sign in as the person the message was sent to." in answer) is bool(by)
    text = at(by).get("/sent/").text
    assert "Sign in as Bob" in words(at(by).get("/sent/"))
    assert 'value="approve"' not in text
    assert not Decision.objects.exists()


def test_reject_opens_a_form_which_wants_a_reason(asked, slack):
    assert "You are rejecting “Issue credit: 150.00 USD”." in words(
        press(slack, action_id="reject")
    )
    assert "Enter a reason for rejecting it" in words(press(slack, reason=""))
    press(slack, reason="It was paid already")
    assert Decision.objects.get().reason == "It was paid already"


def test_a_form_can_be_left(asked, slack):
    press(slack, action_id="reject")
    assert "Open in Slack" not in words(press(slack, cancel="1"))


def test_elsewhere_there_is_no_such_address(asked, slack, monkeypatch):
    monkeypatch.delenv("BACKOFFICE_DEMO")
    assert press(slack, action_id="approve").status_code == 404
    assert not Decision.objects.exists()
