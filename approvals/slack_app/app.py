"""The app that Slack talks to, over HTTP and over Socket Mode alike."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from approvals.slack_app import handlers, modal

type Listener = Callable[[handlers.Body, handlers.Ack], None]


def make_app(*, over_http: bool) -> App:
    """An app with everything that can be pressed.

    Over HTTP what is pressed is dealt with in the request's own thread, on Django's connection. Over
    a socket it is dealt with in a thread of Bolt's, on a connection that is made for it: one that was
    kept could have been dropped meanwhile by a database that was started anew.
    """
    heard = (lambda listener: listener) if over_http else _on_its_own_connection
    app = App(
        logger=logging.getLogger("approvals.channels.slack.bolt"),  # its level: settings.LOGGING
        client=WebClient(base_url=settings.SLACK_API_URL),
        # Known without asking Slack, which has to be answered within three seconds.
        authorize=_authorize,
        signing_secret=settings.SLACK_SIGNING_SECRET or "never used by a socket",
        request_verification_enabled=over_http,
        process_before_response=over_http,
    )
    app.action("approve")(heard(handlers.approve))
    app.action("reject")(heard(handlers.open_rejection_modal))
    app.action("open")(heard(handlers.look))
    app.action("link_yes")(heard(handlers.answer_link))
    app.action("link_no")(heard(handlers.answer_link))
    app.view(modal.NAME)(heard(handlers.reject))
    return app


def _on_its_own_connection(listener: Listener) -> Listener:
    def hear(body: handlers.Body, ack: handlers.Ack) -> None:
        try:
            listener(body, ack)
        finally:
            connection.close()

    return hear


def _authorize(**_: Any) -> AuthorizeResult:  # noqa: ANN401 - whatever Bolt knows of it
    return AuthorizeResult(
        enterprise_id=None, team_id=settings.SLACK_TEAM_ID, bot_token=settings.SLACK_BOT_TOKEN
    )
