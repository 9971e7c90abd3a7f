"""The methods of the Web API that the back office uses."""

from collections.abc import Callable
from typing import Final

from tests.doubles.slack.blocks import check_message, check_view
from tests.doubles.slack.wire import Obj, Refused
from tests.doubles.slack.workspace import TEAM, Workspace

APP: Final = "A0DOUBLE"
BOT: Final = "U0BOT"
type Method = Callable[[Workspace, Obj], Obj]


def auth_test(workspace: Workspace, given: Obj) -> Obj:
    return {"team_id": TEAM, "user_id": BOT, "bot_id": "B0BOT", "url": "https://double.slack.test/"}


def look_up_by_email(workspace: Workspace, given: Obj) -> Obj:
    wanted = str(given.get("email", "")).lower()
    for person in workspace.people.values():
        if person["profile"]["email"].lower() == wanted and not person["deleted"]:
            return {"user": person}
    raise Refused("users_not_found")


def user_info(workspace: Workspace, given: Obj) -> Obj:
    if given.get("user") not in workspace.people:
        raise Refused("user_not_found")
    return {"user": workspace.people[given["user"]]}


def open_conversation(workspace: Workspace, given: Obj) -> Obj:
    if given.get("users") not in workspace.people:
        raise Refused("user_not_found")
    return {"channel": {"id": workspace.direct(given["users"])["id"]}}


def post_message(workspace: Workspace, given: Obj) -> Obj:
    check_message(given)
    channel = workspace.conversation(given.get("channel", ""))
    message = workspace.post(channel, given.get("text", ""), given.get("blocks") or [])
    return {"channel": message["channel"], "ts": message["ts"], "message": message}


def post_ephemeral(workspace: Workspace, given: Obj) -> Obj:
    check_message(given)
    channel = workspace.conversation(given.get("channel", ""))
    if given.get("user") not in workspace.people:
        raise Refused("user_not_in_channel")
    more = {"only_for": given["user"]}
    posted = workspace.post(channel, given.get("text", ""), given.get("blocks") or [], **more)
    return {"message_ts": posted["ts"]}


def update_message(workspace: Workspace, given: Obj) -> Obj:
    check_message(given)
    if given.get("channel") in workspace.people:
        raise Refused("channel_not_found")  # to post, a person's id does; to update, it does not
    workspace.conversation(given.get("channel", ""))
    message = workspace.find(given["channel"], given.get("ts", ""))
    message["text"], message["blocks"] = given.get("text", ""), given.get("blocks") or []
    message["edits"] += 1
    return {"channel": message["channel"], "ts": message["ts"], "text": message["text"]}


def open_view(workspace: Workspace, given: Obj) -> Obj:
    check_view(given["view"])
    user = workspace.use_trigger(given.get("trigger_id", ""))
    return {"view": workspace.open_view(given["view"], user)}


METHODS: Final[dict[str, Method]] = {
    "auth.test": auth_test,
    "users.lookupByEmail": look_up_by_email,
    "users.info": user_info,
    "conversations.open": open_conversation,
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update_message,
    "views.open": open_view,
}
SCOPES: Final = {
    "users.lookupByEmail": "users:read.email",
    "users.info": "users:read",
    "conversations.open": "im:write",
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
}
