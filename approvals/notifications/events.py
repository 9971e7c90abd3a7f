"""What people can be told of. The packages above add what they tell of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Event:
    """`by_default` is whether it goes out by a channel of which a person has said nothing."""

    key: str
    label: str
    by_default: bool = True


_events: Final[dict[str, Event]] = {}


def add(*events: Event) -> None:
    _events.update({event.key: event for event in events})


def every() -> Iterable[Event]:
    """All of them, in the order in which they were added."""
    return _events.values()


def goes_out_by_default(key: str) -> bool:
    """What nobody has described goes out: rather a message too many."""
    return key not in _events or _events[key].by_default


REQUEST_OPENED: Final = "request_opened"

add(
    Event(REQUEST_OPENED, "A request needs my review"),
    Event("request_reminder", "Reminder of a request that needs my review"),
    Event("request_escalated", "A request is escalated"),
    Event("request_stuck", "No reviewer is left for my request"),
    Event("request_decided", "My request is decided or expires"),
    Event("request_closed", "A request that I could review is withdrawn or expires"),
    Event("delegate", "I am out of office, or I am somebody's delegate"),
    Event("slack_link_changed", "My Slack account is linked or unlinked"),
    Event("channel_turned_off", "A channel is turned off (administrators)"),
)
