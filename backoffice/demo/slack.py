"""The demo's Slack: what was posted there, on the page “Demo mailbox”, and buttons that press."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.timezone import get_current_timezone
from django.views.decorators.http import require_POST

from backoffice.demo.mode import in_demo
from fixtures.side_door import NoDouble
from fixtures.slack_double import tell

SHOWN: Final = 30
type Part = dict[str, Any]


@dataclass(frozen=True)
class Button:
    label: str
    action: str
    url: str
    tone: str


@dataclass(frozen=True)
class Line:
    """One part of a message: `kind` is header, text, fields, note or buttons."""

    kind: str
    texts: list[str]
    buttons: list[Button]


@dataclass(frozen=True)
class Posted:
    """One message in Slack, for the page. `user` is who reads it and may press its buttons."""

    at: datetime
    to: str
    user: str
    channel: str
    ts: str
    lines: list[Line]
    is_whisper: bool


@dataclass(frozen=True)
class Modal:
    """A form that somebody has open in Slack."""

    user: str
    who: str
    text: str
    label: str
    problem: str


def posted() -> tuple[list[Posted], list[Modal]]:
    """The newest messages first, and the forms that are open. Nothing where there is no double."""
    if not settings.SLACK_BOT_TOKEN:
        return [], []
    try:
        seen = tell("seen", {})
    except NoDouble:
        return [], []
    newest = list(reversed(seen["messages"]))[:SHOWN]
    return [_posted(each, seen) for each in newest], [_modal(each, seen) for each in seen["views"]]


def _posted(message: Part, seen: Part) -> Posted:
    user = message.get("only_for") or f"U{message['channel'][1:]}"
    return Posted(
        at=datetime.fromtimestamp(float(message["ts"]), tz=get_current_timezone()),
        to=_name(user, seen),
        user=user,
        channel=message["channel"],
        ts=message["ts"],
        lines=[line for block in message["blocks"] for line in _lines(block)]
        or [Line("text", [message["text"]], [])],
        is_whisper="only_for" in message,
    )


def _name(user: str, seen: Part) -> str:
    return str(seen["people"].get(user, {}).get("real_name", "a channel"))


def _lines(block: Part) -> Iterator[Line]:
    if block["type"] == "actions":
        yield Line("buttons", [], [_button(each) for each in block["elements"]])
    elif block["type"] == "context":
        yield Line("note", [each["text"] for each in block["elements"]], [])
    elif "fields" in block:
        yield Line("fields", [each["text"] for each in block["fields"]], [])
    else:
        kind = "header" if block["type"] == "header" else "text"
        yield Line(kind, [block["text"]["text"]], [])


def _button(element: Part) -> Button:
    return Button(
        element["text"]["text"],
        element["action_id"],
        element.get("url", ""),
        element.get("style", ""),
    )


def _modal(view: Part, seen: Part) -> Modal:
    texts = [b["text"]["text"] for b in view["blocks"] if b["type"] == "section"]
    labels = [b["label"]["text"] for b in view["blocks"] if b["type"] == "input"]
    errors = view["errors"].values()
    return Modal(
        view["user"], _name(view["user"], seen), " ".join(texts), labels[0], " ".join(errors)
    )


def own_account(request: HttpRequest) -> str:
    """The Slack account of the person who is signed in. Empty where there is none."""
    email = getattr(request.user, "email", "")
    if not email or not settings.SLACK_BOT_TOKEN:
        return ""
    try:
        people = tell("seen", {})["people"]
    except NoDouble:
        return ""
    mine = (key for key, each in people.items() if each["profile"]["email"] == email)
    return next(mine, "")


@require_POST
def press(request: HttpRequest) -> HttpResponse:
    """Press a button, or send a form, in Slack: only as the person who is signed in here."""
    if not in_demo() or not settings.SLACK_BOT_TOKEN:
        raise Http404
    sent = request.POST
    account = own_account(request)
    if not account or sent.get("user") != account:
        messages.error(request, "Nothing was done. Sign in as the person the message was sent to.")
        return redirect("sent_messages")
    try:
        if "cancel" in sent:
            tell("close", {"user": sent["user"]})
        elif "reason" in sent:
            tell("submit", {"user": sent["user"], "values": {"reason": sent["reason"]}})
        else:
            tell("click", {name: sent[name] for name in ("user", "channel", "ts", "action_id")})
    except NoDouble as error:
        messages.error(request, str(error))
    except KeyError:
        return HttpResponseBadRequest("Go back, and choose a button of a message.")
    return redirect("sent_messages")
