"""What somebody has done in Slack, read from what Slack sends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings

from approvals.channels.slack.values import Unreadable


@dataclass(frozen=True)
class Account:
    """Who it was: never a name or an email address, which people and their admins can change."""

    team: str
    user: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Raises `Unreadable` unless it comes from our workspace."""
        if (body.get("team") or {}).get("id") != settings.SLACK_TEAM_ID:
            raise Unreadable("Another workspace.")
        user = body["user"]
        return cls(str(user["team_id"]), str(user["id"]))


@dataclass(frozen=True)
class Place:
    """The message that it was done on."""

    channel: str
    ts: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        where = body["container"]
        return cls(str(where["channel_id"]), str(where["message_ts"]))

    @classmethod
    def read(cls, metadata: str) -> Self:
        """From what a modal has carried along."""
        found = json.loads(metadata)
        return cls(str(found["c"]), str(found["t"]))


@dataclass(frozen=True)
class Click:
    """A button that was pressed."""

    account: Account
    place: Place
    value: str
    trigger: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Raises `Unreadable` for what is none of our buttons, or from elsewhere."""
        try:
            action = body["actions"][0]
            return cls(
                Account.of(body), Place.of(body), str(action["value"]), str(body["trigger_id"])
            )
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise Unreadable("Not one of our buttons.") from error


@dataclass(frozen=True)
class Filled:
    """A modal that was sent."""

    account: Account
    place: Place
    value: str
    reason: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Raises `Unreadable` for what is none of our modals, or from elsewhere."""
        try:
            view = body["view"]
            typed = view["state"]["values"]["reason"]["reason"]["value"] or ""
            metadata = view["private_metadata"]
            return cls(Account.of(body), Place.read(metadata), metadata, str(typed))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Unreadable("Not one of our modals.") from error
