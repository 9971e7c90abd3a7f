"""What a person wants to be told of, and by which channels."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from approvals import channels
from approvals.channels.base import Recipients
from approvals.models.deliveries import NotificationSetting
from approvals.notifications import events
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User

type Choice = tuple[str, str]  # an event and a channel


class NothingLeft(Refusal):
    """Nobody may be asked for decisions in a way that they would not notice."""


def save_notification_settings(person: "User", wanted: Collection[Choice], *, door: str) -> None:
    """Record which events this person wants by which of the channels that reach them.

    Raises `NothingLeft` when they would be asked for decisions by none.
    """
    with transition(by=person, door=door, subject=person):
        reached = [channel.name for channel in channels_of(person)]
        if reached and not any((events.REQUEST_OPENED, name) in wanted for name in reached):
            raise NothingLeft(
                "Keep at least one channel for requests. Without it you would not know that a "
                "request needs your review."
            )
        now = notification_settings_of(person)
        for choice in ((event.key, name) for event in events.every() for name in reached):
            if now[choice] != (choice in wanted):
                NotificationSetting.objects.update_or_create(
                    person=person,
                    event=choice[0],
                    channel=choice[1],
                    defaults={"wanted": choice in wanted},
                )


def channels_of(person: "User") -> list[channels.Channel]:
    """The channels that reach this person now."""
    recipients = Recipients("", [person])
    return [channel for channel in channels.every() if any(channel.targets(recipients))]


def notification_settings_of(person: "User") -> Mapping[Choice, bool]:
    """For each event and channel, whether this person is told of it that way. One query."""
    rows = NotificationSetting.objects.filter(person=person).values_list(
        "event", "channel", "wanted"
    )
    said = {(event, channel): wanted for event, channel, wanted in rows}
    every = ((event, name) for event in events.every() for name in channels.names())
    return {
        (event.key, name): said.get((event.key, name), event.by_default) for event, name in every
    }
