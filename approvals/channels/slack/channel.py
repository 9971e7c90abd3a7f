"""Messages to people who have linked their account, and posts to the channels of groups."""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from approvals.channels.base import SLACK, External, Permanent, Recipients, Target
from approvals.channels.slack.client import client
from approvals.channels.slack.errors import said
from approvals.channels.slack.message import message_for
from approvals.models.deliveries import Delivery, GroupSlackChannel, SlackLink


class Slack:
    name = SLACK
    label = "Slack"
    updatable = True

    def targets(self, recipients: Recipients) -> Iterator[Target]:
        """Linked accounts of this workspace, and the channels in which groups are asked."""
        links = SlackLink.objects.filter(
            person__in=recipients.people,
            person__is_active=True,
            team=settings.SLACK_TEAM_ID,
            confirmed_at__isnull=False,
            ended_at=None,
        )
        accounts = dict(links.values_list("person", "user"))
        for person in recipients.people:
            if person.pk in accounts:
                yield Target(accounts[person.pk], person=person)
        if recipients.groups:
            for room in GroupSlackChannel.objects.filter(
                group__in=recipients.groups
            ).select_related("group"):
                yield Target(room.channel, group=room.group)

    def send(self, delivery: Delivery) -> External:
        message = message_for(delivery)
        try:
            answer = client().chat_postMessage(channel=delivery.address, **message.as_arguments())
        except Exception as error:
            raise said(error) from error
        return {"channel": answer["channel"], "ts": answer["ts"]}

    def update(self, delivery: Delivery) -> None:
        """Show the present state; nothing stays that could be pressed in vain."""
        where = delivery.external
        if not {"channel", "ts"} <= where.keys():
            raise Permanent("The place of this message in Slack is not known.")
        message = message_for(delivery)
        try:
            client().chat_update(channel=where["channel"], ts=where["ts"], **message.as_arguments())
        except Exception as error:
            raise said(error) from error

    def problems(self) -> Iterable[CheckMessage]:
        if not settings.SLACK_BOT_TOKEN.startswith("xoxb-"):
            yield checks.Error(
                "SLACK_BOT_TOKEN is not the token of a bot.",
                hint="Copy it from OAuth & Permissions of the app: it begins with xoxb-.",
                id="approvals.E120",
            )
        if not settings.SLACK_TEAM_ID.startswith("T"):
            yield checks.Error(
                "SLACK_TEAM_ID names no workspace, so clicks from every workspace are refused.",
                hint="Open Slack in a browser: the address has it, and it begins with T.",
                id="approvals.E121",
            )
        if not settings.SITE_URL:
            yield checks.Error(
                "Slack messages contain links, but SITE_URL is not set.",
                hint="Set SITE_URL, for example to https://backoffice.example.",
                id="approvals.E122",
            )
        if not settings.SLACK_APP_TOKEN and not settings.SLACK_SIGNING_SECRET:
            yield checks.Warning(
                "Nothing listens for Slack's buttons.",
                hint=(
                    "Set SLACK_APP_TOKEN and run manage.py slack, or set SLACK_SIGNING_SECRET "
                    "where Slack can reach this site."
                ),
                id="approvals.W120",
            )
