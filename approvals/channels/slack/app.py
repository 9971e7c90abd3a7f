"""The app that Slack talks to, over HTTP and over Socket Mode alike."""

import logging
from typing import Any

from django.conf import settings
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from approvals.channels.slack import door, modal


def make_app(*, over_http: bool) -> App:
    """An app with everything that can be pressed.

    Over HTTP what is pressed is dealt with in the request's own thread, on Django's connection.
    """
    app = App(
        logger=logging.getLogger("approvals.channels.slack.bolt"),  # its level: settings.LOGGING
        client=WebClient(base_url=settings.SLACK_API_URL),
        # Known without asking Slack, which has to be answered within three seconds.
        authorize=_authorize,
        signing_secret=settings.SLACK_SIGNING_SECRET or "never used by a socket",
        request_verification_enabled=over_http,
        process_before_response=over_http,
    )
    app.action("approve")(door.approve)
    app.action("reject")(door.ask_why)
    app.action("open")(door.look)
    app.action("link_yes")(door.answer_link)
    app.action("link_no")(door.answer_link)
    app.view(modal.NAME)(door.reject)
    return app


def _authorize(**_: Any) -> AuthorizeResult:  # noqa: ANN401 - whatever Bolt knows of it
    return AuthorizeResult(
        enterprise_id=None, team_id=settings.SLACK_TEAM_ID, bot_token=settings.SLACK_BOT_TOKEN
    )
