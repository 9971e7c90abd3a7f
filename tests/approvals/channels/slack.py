"""Slack as a double that the real client talks to, and people in it."""

from urllib.parse import urlsplit

import pytest
from django.db.models.functions import Now
from django.test import Client

from approvals import channels
from approvals.channels.slack import Slack
from approvals.models.deliveries import SlackLink
from tests.doubles.slack import SlackDouble
from tests.doubles.slack.double import buttons_of, text_of

BOB = "U0BOB"
CAROL = "U0CAROL"
ROOM = "C0APPROVERS"

__all__ = ["BOB", "CAROL", "ROOM", "buttons_of", "link", "newest", "slack", "text_of"]


def set_up(settings, double: SlackDouble) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = double.bot_token, double.app_token
    settings.SLACK_SIGNING_SECRET, settings.SLACK_TEAM_ID = double.secret, double.team
    settings.SLACK_API_URL = double.url
    settings.SITE_URL = "https://backoffice.example"


@pytest.fixture
def slack(settings):
    """Slack as the only channel; what is pressed there arrives at our address."""
    with SlackDouble() as double, channels.temporarily(Slack()):
        set_up(settings, double)
        double.deliver = deliver
        double.add_person(BOB, "bob@example.com")
        double.add_person(CAROL, "carol@example.com")
        double.add_channel(ROOM, "approvers")
        yield double


def deliver(body, headers):
    kind = headers["Content-Type"]
    more = {name: value for name, value in headers.items() if name != "Content-Type"}
    answer = Client().post("/slack/", body, content_type=kind, headers=more)
    return answer.status_code, answer.content


def link(who, user: str) -> SlackLink:
    """A link that was confirmed."""
    made = SlackLink.objects.create(person=who, team=SlackDouble.team, user=user)
    made.confirmed_at = Now()
    made.save()
    return made


def newest(double: SlackDouble, where: str):
    """The newest message that everybody there sees."""
    return [each for each in double.messages(where) if not each.get("only_for")][-1]


def whispers(double: SlackDouble, user: str) -> list[str]:
    """What was said to one person alone."""
    return [each["text"] for each in double.messages() if each.get("only_for") == user]


def path_in(message) -> str:
    """Where its button leads to."""
    links = [e["url"] for b in message["blocks"] for e in b.get("elements", []) if "url" in e]
    return urlsplit(links[0]).path
