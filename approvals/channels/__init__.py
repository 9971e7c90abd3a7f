"""The ways out of the inbox: email, webhooks and whatever else CHANNELS names.

Each channel is a class in a module of its own, made once when Django starts. docs/how-to/add-a-channel.md

May import `requests` and `models`; what somebody answers comes back through `slack_app` or a page.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from django.utils.module_loading import import_string

from approvals.channels.base import Channel

__all__ = ["Channel", "every", "load", "named", "names", "temporarily"]

_channels: Final[dict[str, Channel]] = {}


def load(paths: Iterable[str]) -> None:
    """Make a channel of each dotted path of a class."""
    for path in paths:
        channel: Channel = import_string(path)()
        _channels[channel.name] = channel


def every() -> tuple[Channel, ...]:
    """The channels that are in use, in the order of the setting."""
    return tuple(_channels.values())


def named(name: str) -> Channel:
    """The channel of this name. Raises KeyError when it is not in use."""
    return _channels[name]


def names() -> list[str]:
    return list(_channels)


@contextmanager
def temporarily(*channels: Channel) -> Iterator[None]:
    """Use these channels and no others while the block runs. For tests."""
    before = dict(_channels)
    _channels.clear()
    _channels.update({channel.name: channel for channel in channels})
    try:
        yield
    finally:
        _channels.clear()
        _channels.update(before)
