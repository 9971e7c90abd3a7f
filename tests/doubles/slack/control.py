"""`/_ctl/…`: the side door for the demo and for tests in other processes. JSON, and no token."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from tests.doubles.slack.faults import from_json
from tests.doubles.slack.wire import Answer, Obj, Refused

if TYPE_CHECKING:
    from tests.doubles.slack.double import SlackDouble

type Door = Callable[["SlackDouble", Obj], Obj]


def answer(double: "SlackDouble", path: str, body: bytes) -> Answer:
    door = DOORS.get(path.removeprefix("/_ctl/"))
    if door is None:
        return Answer(404, {"error": f"No such door: {path}"})
    try:
        return Answer(200, door(double, json.loads(body or b"{}")))
    except (LookupError, ValueError, TypeError, Refused) as wrong:
        return Answer(400, {"error": str(wrong)})


def seed(double: "SlackDouble", given: Obj) -> Obj:
    """`people` and `channels` that are not there yet; returns how many were new."""
    there = double.workspace.people.keys() | double.workspace.channels.keys()
    new = [each for each in given.get("people", []) if each["user"] not in there]
    rooms = [each for each in given.get("channels", []) if each["channel"] not in there]
    for each in new:
        double.add_person(**each)
    for each in rooms:
        double.add_channel(**each)
    return {"people": len(new), "channels": len(rooms)}


def seen(double: "SlackDouble", given: Obj) -> Obj:
    """All that there is to see: messages, people, channels, open modals."""
    with double.workspace.lock:
        people = double.workspace.people
        views = [view for user in people for view in double.views(user)]
        rooms = double.workspace.channels
        return {
            "messages": double.messages(), "people": people, "channels": rooms, "views": views,
        }  # fmt: skip


def click(double: "SlackDouble", given: Obj) -> Obj:
    with double.workspace.lock:
        message = dict(double.workspace.find(given["channel"], given["ts"]))
    return asdict(double.click(given["user"], message, given["action_id"]))


def submit(double: "SlackDouble", given: Obj) -> Obj:
    return asdict(double.submit(given["user"], given["values"]))


def close(double: "SlackDouble", given: Obj) -> Obj:
    double.close_views(given["user"])
    return {}


def fault(double: "SlackDouble", given: Obj) -> Obj:
    made = from_json(given)
    double.fault(made.kind, **{name: value for name, value in given.items() if name != "kind"})
    return {}


DOORS: Final[dict[str, Door]] = {
    "seed": seed,
    "seen": seen,
    "click": click,
    "submit": submit,
    "close": close,
    "faults": fault,
}
