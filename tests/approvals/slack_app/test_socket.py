"""Socket Mode: the same door, over a connection that we open; it comes back by itself."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from approvals.actions import pump
from approvals.models import Decision, SlackMode
from approvals.slack_app.socket import listen
from tests.approvals.channels.slack import BOB, CAROL, link, newest, slack, whispers

__all__ = ["slack"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(ask, slack, bob, carol):
    slack.deliver = None  # nobody can reach us: it goes over the socket
    link(bob, BOB)
    link(carol, CAROL)
    request = ask(needed=2, slack_mode=SlackMode.DECIDE)
    pump()
    return request


@pytest.fixture
def listening(asked, slack):
    """What `manage.py slack` does, in a thread of ours."""
    ended = threading.Event()
    thread = threading.Thread(target=listen, args=[ended])
    thread.start()
    try:
        slack.sockets.wait_for(1)
        yield asked
    finally:
        ended.set()
        thread.join(20)
        assert not thread.is_alive()


def press(slack, by, action="approve"):
    return slack.click(by, newest(slack, by), action)


def decided_by():
    return set(Decision.objects.values_list("decided_by__username", "door"))


def test_a_click_decides(listening, slack):
    assert press(slack, BOB).is_good
    assert decided_by() == {("bob", "slack")}


def test_what_is_refused_is_said_and_answered(listening, slack, alice):
    link(alice, "U0ALICE")
    slack.add_person("U0ALICE", "alice@example.com")
    assert slack.click("U0ALICE", newest(slack, BOB), "approve").is_good
    assert not decided_by()
    slack.wait_for_calls(1, "chat.postEphemeral")  # said after the click was answered
    assert "You requested this" in whispers(slack, "U0ALICE")[0]


def test_it_connects_again_after_slack_has_said_goodbye(listening, slack):
    press(slack, BOB)
    slack.sockets.disconnect()
    slack.sockets.wait_for(2)
    assert press(slack, CAROL).is_good
    assert decided_by() == {("bob", "slack"), ("carol", "slack")}


def test_it_goes_on_after_the_database_has_dropped_its_connections(listening, slack):
    press(slack, BOB)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    press(slack, CAROL)
    assert ("carol", "slack") in decided_by()


def test_the_command_says_what_is_missing(slack, settings):
    settings.SLACK_APP_TOKEN = ""
    with pytest.raises(CommandError, match="connections:write"):
        call_command("slack", stdout=StringIO())
