"""Everything the double knows: people, channels, messages, open modals, triggers."""

import json
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

from tests.doubles.slack.wire import Obj, Refused

TEAM: Final = "T0DOUBLE"
TRIGGER_LASTS: Final = 3.0  # seconds, and for one modal


class Workspace:
    """Hold `lock` around every use. With `state` everything is kept in that file."""

    def __init__(self, now: Callable[[], float] = time.time, state: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.now, self.state = now, state
        self.people: dict[str, Obj] = {}
        self.channels: dict[str, Obj] = {}
        self.messages: list[Obj] = []
        self.views: dict[str, Obj] = {}
        self.errors: dict[str, Obj] = {}  # by view: what was wrong with what was submitted
        self._triggers: dict[str, tuple[float, str]] = {}
        self._numbers = count(1)
        if state is not None and state.exists():
            self._load(state)

    # People and channels

    def add_person(self, user: str, email: str, **more: object) -> Obj:
        """A member of the workspace; again with the same id changes them."""
        name = email.partition("@")[0]
        person = {
            "id": user, "team_id": TEAM, "name": name, "real_name": name.title(), "deleted": False,
            "is_bot": False, "is_restricted": False, "is_ultra_restricted": False,
            "is_stranger": False, "profile": {"email": email}, **more,
        }  # fmt: skip
        self.people[user] = person
        return person

    def add_channel(self, channel: str, name: str, **more: object) -> Obj:
        """A channel that the app was invited to, unless `is_member` says otherwise."""
        made = {"id": channel, "name": name, "is_member": True, "is_archived": False, **more}
        self.channels[channel] = made
        return made

    def conversation(self, channel: str) -> Obj:
        """A channel, or the direct messages of a person. Raises `Refused` like Slack."""
        if channel in self.people:
            return self.direct(channel)
        if channel not in self.channels:
            raise Refused("channel_not_found")
        found = self.channels[channel]
        if found["is_archived"]:
            raise Refused("is_archived")
        if not found["is_member"]:
            raise Refused("not_in_channel")
        return found

    def direct(self, user: str) -> Obj:
        """The direct messages between the app and a person."""
        if self.people[user]["deleted"]:
            raise Refused("user_disabled")
        channel = f"D{user[1:]}"
        return self.channels.get(channel) or self.add_channel(channel, "", user=user, is_im=True)

    # Messages

    def post(self, channel: Obj, text: str, blocks: list[Obj], **more: object) -> Obj:
        """A new message. Its `ts` is its id within the channel."""
        message = {
            "channel": channel["id"], "ts": f"{self.now():.0f}.{next(self._numbers):06d}",
            "text": text, "blocks": blocks, "at": self.now(), "edits": 0, **more,
        }  # fmt: skip
        self.messages.append(message)
        return message

    def find(self, channel: str, ts: str) -> Obj:
        for message in self.messages:
            if (
                message["channel"] == channel
                and message["ts"] == ts
                and not message.get("only_for")
            ):
                return message
        raise Refused("message_not_found")

    # Modals

    def new_trigger(self, user: str) -> str:
        trigger = f"{self.now():.3f}.{next(self._numbers)}"
        self._triggers[trigger] = (self.now(), user)
        return trigger

    def use_trigger(self, trigger: str) -> str:
        """Whose click it came from. Each serves once, for three seconds."""
        made, user = self._triggers.pop(trigger, (None, ""))
        if made is None:
            raise Refused("invalid_trigger_id")
        if self.now() - made > TRIGGER_LASTS:
            raise Refused("trigger_expired")
        return user

    def open_view(self, view: Obj, user: str) -> Obj:
        number = f"V{next(self._numbers):08d}"
        opened = {
            **view, "id": number, "hash": f"{number}.1", "team_id": TEAM, "user": user,
            "state": {"values": {}},
        }  # fmt: skip
        self.views[number] = opened
        return opened

    # Keeping

    def save(self) -> None:
        """Write the file anew; who reads it sees the old or the new one, never half."""
        if self.state is None:
            return
        kept = {name: getattr(self, name) for name in ("people", "channels", "messages")}
        draft = self.state.with_suffix(".new")
        draft.write_text(json.dumps(kept | {"next": next(self._numbers)}))
        draft.replace(self.state)

    def _load(self, state: Path) -> None:
        kept = json.loads(state.read_text())
        self.people, self.channels = kept["people"], kept["channels"]
        self.messages, self._numbers = kept["messages"], count(kept["next"])
