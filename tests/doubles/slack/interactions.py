"""What people do in Slack, and how the app hears of it: signed, over HTTP or a WebSocket."""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from tests.doubles.slack.methods import APP
from tests.doubles.slack.wire import Obj
from tests.doubles.slack.workspace import TEAM, Workspace

PATIENCE: Final = 3.0  # seconds, after which Slack shows an error to who has clicked
# Takes body and headers, gives status and body.
type Post = Callable[[bytes, Mapping[str, str]], tuple[int, bytes]]


@dataclass(frozen=True)
class Reaction:
    """What the app made of it. `body` is what it answered; `seconds` how long that took."""

    status: int
    body: Obj
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether the person sees no error."""
        return self.status == 200 and self.seconds <= PATIENCE


def clicked(workspace: Workspace, user: str, message: Obj, action: Obj, /, **other: Any) -> Obj:
    """The payload of a click on a button."""
    return {
        "type": "block_actions",
        **_who(workspace, user),
        "trigger_id": workspace.new_trigger(user),
        "container": {
            "type": "message", "message_ts": message["ts"], "channel_id": message["channel"],
            "is_ephemeral": bool(message.get("only_for")),
        },
        "channel": {"id": message["channel"], "name": "directmessage"},
        "message": {"ts": message["ts"], "text": message["text"], "blocks": message["blocks"]},
        "response_url": "https://hooks.slack.test/actions/never-called",
        "actions": [{**action, "action_ts": f"{workspace.now():.6f}"}],
        **other,
    }  # fmt: skip


def submitted(workspace: Workspace, user: str, view: Obj, values: Mapping[str, str]) -> Obj:
    """The payload of a modal that was filled in. `values` by action_id."""
    filled: Obj = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            name = block["element"]["action_id"]
            entry = {"type": "plain_text_input", "value": values.get(name)}
            filled[block["block_id"]] = {name: entry}
    view = view | {"state": {"values": filled}}
    return {"type": "view_submission", **_who(workspace, user), "view": view, "response_urls": []}


def _who(workspace: Workspace, user: str) -> Obj:
    person = workspace.people.get(user) or {"team_id": TEAM, "name": user}
    return {
        "user": {"id": user, "username": person["name"], "team_id": person["team_id"]},
        "api_app_id": APP,
        "token": "old-verification-token",
        "team": {"id": TEAM, "domain": "double"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def signed(payload: Obj, secret: str, at: float | None = None) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a request, signed now unless told."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = f"{time.time() if at is None else at:.0f}"
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }


def posted_to(url: str) -> Post:
    """Sends requests to an address."""
    parts = urlsplit(url)

    def post(body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            connection.request("POST", parts.path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return post
