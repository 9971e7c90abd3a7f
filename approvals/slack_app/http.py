"""The address to which Slack sends what is pressed, where it can reach this site."""

import time
from functools import cache
from typing import Final

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_bolt.adapter.django import SlackRequestHandler

from approvals import channels
from approvals.channels.base import SLACK
from approvals.slack_app.app import make_app

AHEAD: Final = 30  # seconds by which Slack's clock may be fast; it may be late by five minutes


@csrf_exempt  # signed by Slack, over all of the body
@require_POST
def pressed(request: HttpRequest) -> HttpResponse:
    """Something was pressed or sent in Slack. The signature is checked before anything is read."""
    if not settings.SLACK_SIGNING_SECRET or SLACK not in channels.names():
        raise Http404
    stamp = request.headers.get("X-Slack-Request-Timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()):
        return HttpResponseBadRequest("X-Slack-Request-Timestamp is missing or is not a number.")
    if int(stamp) > time.time() + AHEAD:
        return HttpResponse("X-Slack-Request-Timestamp is in the future.", status=401)
    try:
        return _handler().handle(request)
    except ValueError:
        # Bolt reads the body before it looks at the signature, and leaves it to us when it cannot.
        return HttpResponseBadRequest("The body cannot be read.")


@cache
def _handler() -> SlackRequestHandler:
    return SlackRequestHandler(make_app(over_http=True))


@receiver(setting_changed)
def _forget(setting: str, **_: object) -> None:
    """Tests set other secrets."""
    if setting.startswith("SLACK_"):
        _handler.cache_clear()
