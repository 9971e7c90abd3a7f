"""The double as tests use it."""

import copy
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from tests.doubles.slack.faults import Fault, Faults, Kind
from tests.doubles.slack.interactions import PATIENCE, Post, Reaction, clicked, signed, submitted
from tests.doubles.slack.methods import METHODS, SCOPES
from tests.doubles.slack.server import SlackServer
from tests.doubles.slack.sockets import Sockets
from tests.doubles.slack.wire import Answer, Call, Obj, Refused
from tests.doubles.slack.workspace import TEAM, Workspace

_POLL: Final = 0.02
ALL_SCOPES: Final = frozenset(SCOPES.values())


class SlackDouble:
    """`with SlackDouble() as slack:` serves at `.url` until the block ends.

    `deliver` is where clicks go: a function that takes a signed body, or None for Socket Mode.
    """

    team = TEAM
    bot_token = "xoxb-double"
    app_token = "xapp-double"
    secret = "signing-secret-of-the-double"

    def __init__(
        self,
        *,
        port: int = 0,
        state: Path | None = None,
        seed: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.workspace = Workspace(now, state)
        self.sockets = Sockets()
        self.deliver: Post | None = None
        self.revoked: set[str] = set()
        self.scopes: set[str] = set(ALL_SCOPES)
        self.calls: list[Call] = []
        self._changed = threading.Condition()
        self._faults = Faults(seed)
        self._port = port
        self._server: SlackServer | None = None
        self._thread: threading.Thread | None = None

    # Running

    def start(self) -> None:
        """Listen. Raise OSError when the port is taken."""
        self._server = SlackServer(self._port, self)
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="slack-double", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._faults.clear()
        if self._server and self._thread:
            self._server.close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What `base_url` of a client has to be."""
        return f"http://127.0.0.1:{self._port}/api/"

    # The Web API

    def answer(self, call: Call) -> Answer | None:
        """What Slack says to a call; None for a connection that breaks."""
        fault = self._faults.pick(call.method)
        if fault and fault.kind in (Kind.HANG, Kind.RESET_BEFORE):
            if fault.kind is Kind.HANG:
                fault.wait()
            return None
        if fault and fault.kind is not Kind.RESET_AFTER:
            return fault.answer
        answer = Answer(200, self._run(call))
        return None if fault else answer

    def _run(self, call: Call) -> Obj:
        with self.workspace.lock:
            try:
                self._check(call)
                if call.method == "apps.connections.open":
                    found: Obj = {
                        "url": f"ws://127.0.0.1:{self._port}/link/{self.sockets.ticket()}"
                    }
                else:
                    # Copied, or what was answered would change with the next message.
                    found = copy.deepcopy(METHODS[call.method](self.workspace, call.arguments))
                    self.workspace.save()
            except Refused as refused:
                more = {"response_metadata": {"messages": list(refused.messages)}}
                return {"ok": False, "error": refused.code, **more}
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        return {"ok": True, **found}

    def _check(self, call: Call) -> None:
        opens = call.method == "apps.connections.open"
        if not call.token:
            raise Refused("not_authed")
        if call.token in self.revoked:
            raise Refused("token_revoked")
        if call.token != (self.app_token if opens else self.bot_token):
            known = call.token in (self.app_token, self.bot_token)
            raise Refused("not_allowed_token_type" if known else "invalid_auth")
        if not opens and call.method not in METHODS:
            raise Refused("unknown_method")
        if SCOPES.get(call.method, "chat:write") not in self.scopes:
            raise Refused("missing_scope")

    # What is there

    def add_person(self, user: str, email: str, **more: object) -> None:
        with self.workspace.lock:
            self.workspace.add_person(user, email, **more)
            self.workspace.save()

    def add_channel(self, channel: str, name: str = "general", **more: object) -> None:
        with self.workspace.lock:
            self.workspace.add_channel(channel, name, **more)
            self.workspace.save()

    def messages(self, where: str = "") -> list[Obj]:
        """Copies, oldest first: of a channel, of the direct messages with a person, or all."""
        place = f"D{where[1:]}" if where in self.workspace.people else where
        with self.workspace.lock:
            found = [each for each in self.workspace.messages if place in ("", each["channel"])]
            return copy.deepcopy(found)

    def views(self, user: str) -> list[Obj]:
        """The modals that a person has open, each with the errors that it shows."""
        with self.workspace.lock:
            views = [view for view in self.workspace.views.values() if view["user"] == user]
            errors = self.workspace.errors
            return [copy.deepcopy(v) | {"errors": errors.get(v["id"], {})} for v in views]

    def wait_for_calls(self, count: int, method: str, timeout: float = 30.0) -> None:
        """Block until so many calls of a method went through. Raise TimeoutError."""

        def there() -> int:
            return sum(call.method == method for call in self.calls)

        with self._changed:
            if not self._changed.wait_for(lambda: there() >= count, timeout):
                raise TimeoutError(f"{there()} of {count} calls of {method} in {timeout} s.")

    # What goes wrong

    def fault(self, kind: Kind | str, **where: Any) -> Fault:
        """Break the next call that matches; see Fault for the rest."""
        return self._faults.add(Fault(Kind(kind), **where))

    def clear_faults(self) -> None:
        self._faults.clear()

    # What people do

    def click(self, user: str, message: Obj, action_id: str, /, **other: Any) -> Reaction:
        """Press a button of a message. `other` replaces parts of the payload: for attacks."""
        return self.send(self.click_of(user, message, action_id, **other))

    def click_of(self, user: str, message: Obj, action_id: str, /, **other: Any) -> Obj:
        """The payload of a click. LookupError when the message has no such button."""
        with self.workspace.lock:
            return clicked(self.workspace, user, message, button_of(message, action_id), **other)

    def submit(self, user: str, values: Mapping[str, str]) -> Reaction:
        """Fill in and send the modal that a person has open. It closes unless there are errors."""
        view = self.views(user)[-1]
        reaction = self.send(self.submission_of(user, values))
        with self.workspace.lock:
            if reaction.body.get("response_action") == "errors":
                self.workspace.errors[view["id"]] = reaction.body["errors"]
            elif reaction.is_good:
                self.workspace.views.pop(view["id"], None)
        return reaction

    def submission_of(self, user: str, values: Mapping[str, str]) -> Obj:
        view = self.views(user)[-1]
        view.pop("errors")
        return submitted(self.workspace, user, view, values)

    def close_views(self, user: str) -> None:
        """Press Cancel."""
        with self.workspace.lock:
            for view in self.views(user):
                self.workspace.views.pop(view["id"], None)

    def send(self, payload: Obj, *, secret: str = "", at: float | None = None) -> Reaction:
        """Let the app know, signed unless it is told by a WebSocket."""
        began = time.monotonic()
        if self.deliver is None:
            answer = self.sockets.ask(payload, PATIENCE)
            status = 504 if answer is None else 200
            return Reaction(status, answer or {}, time.monotonic() - began)
        status, body = self.deliver(*signed(payload, secret or self.secret, at))
        is_json = body.startswith(b"{")
        return Reaction(status, json.loads(body) if is_json else {}, time.monotonic() - began)


def button_of(message: Obj, action_id: str) -> Obj:
    """A button as a click sends it. LookupError when the message has none."""
    for block in message["blocks"]:
        for element in block.get("elements", []):
            if block["type"] == "actions" and element.get("action_id") == action_id:
                kept = ("action_id", "value", "type", "style", "text")
                found = {name: element[name] for name in kept if name in element}
                return {"block_id": block.get("block_id", "b1"), **found}
    raise LookupError(f"No button {action_id!r}: {buttons_of(message)}")


def buttons_of(message: Obj) -> list[str]:
    """The buttons of a message, by action_id."""
    return [
        element["action_id"]
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def text_of(message: Obj) -> str:
    """Everything that a message says, in one text."""
    return json.dumps([message["text"], message["blocks"]], ensure_ascii=False)
