"""Socket Mode: what is pressed in Slack arrives over a connection that we open.

For who hosts this behind a firewall. Slack sends each thing to one of the connections that are open.
"""

import logging
from threading import Event
from typing import Any

from django.conf import settings
from slack_bolt.adapter.socket_mode import SocketModeHandler

from approvals.channels.slack.client import client
from approvals.slack_app.app import make_app

logger = logging.getLogger(__name__)


def listen(until: Event) -> None:
    """Hear what is pressed, and act on it, until this event is set."""
    app = make_app(over_http=False)
    handler: Any = SocketModeHandler(app, settings.SLACK_APP_TOKEN, web_client=client())
    handler.connect()
    logger.info("Connected to Slack")
    try:
        until.wait()  # the client watches its connection, and opens another when it is gone
    finally:
        handler.close()
