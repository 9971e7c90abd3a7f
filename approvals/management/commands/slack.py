"""`manage.py slack`: hear what people press in Slack, where Slack cannot reach this site."""

import signal
from threading import Event

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from approvals import channels
from approvals.channels.base import SLACK
from approvals.slack_app.socket import listen


class Command(BaseCommand):
    help = "Receive button clicks from Slack over Socket Mode. Ends with SIGTERM or Ctrl-C."

    def handle(self, *args: object, **options: object) -> None:
        if SLACK not in channels.names():
            raise CommandError("Slack is not turned on. Set SLACK_BOT_TOKEN and SLACK_TEAM_ID.")
        if not settings.SLACK_APP_TOKEN:
            raise CommandError(
                "Set SLACK_APP_TOKEN: create one with the scope connections:write, under Basic "
                "Information of the app."
            )
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        listen(ended)
