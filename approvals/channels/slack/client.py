"""The client of Slack's Web API. It never tries again by itself: that would post things twice."""

from typing import Final

from django.conf import settings
from slack_sdk import WebClient

SENDING: Final = 15  # seconds: well within the lease of a delivery
# Somebody who has clicked waits, three seconds at most, and two calls have to fit.
CLICKED: Final = 1


def client(timeout: int = SENDING) -> WebClient:
    """A client with the bot's token."""
    made = WebClient(
        settings.SLACK_BOT_TOKEN,
        base_url=settings.SLACK_API_URL,
        timeout=timeout,
        retry_handlers=[],
    )
    # Python's own rules for proxies know NO_PROXY; the client's do not.
    made.proxy = None
    return made
