"""What a channel is. It carries messages; it decides nothing and changes no request."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.core.checks import CheckMessage

if TYPE_CHECKING:
    from django.contrib.auth.models import Group

    from approvals.models.deliveries import Delivery
    from backoffice.models import User

type External = dict[str, Any]

EMAIL: Final = "email"
SLACK: Final = "slack"  # the one channel that a task can be kept out of


class Retry(Exception):
    """It did not go through and may later: after so many seconds, where the other side says so."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Permanent(Exception):
    """This message will never reach this address."""


class Misconfigured(Exception):
    """Nothing gets through before somebody mends the settings. Stops the channel."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who is to be notified of which event: what a channel needs to find addresses.

    `without` names the channels by which it is not sent.
    """

    event: str
    people: Sequence["User"] = ()
    groups: Sequence["Group"] = ()
    without: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An address, and whose it is: a person's, a group's, or neither, as a webhook's."""

    address: str
    person: "User | None" = None
    group: "Group | None" = None


class Channel(Protocol):
    """`name` stands in rows and never changes; people read `label`.

    `updatable`: a message that was sent can be made to show how things are now.
    """

    name: str
    label: str
    updatable: bool

    def targets(self, recipients: Recipients) -> Iterable[Target]:
        """Where this can go now. In a constant number of queries; talks to nobody outside."""
        ...

    def send(self, delivery: "Delivery") -> External:
        """Send it, and return the ids by which the other side knows it.

        Raises `Retry`, `Permanent` or `Misconfigured`; anything else counts as `Retry`.
        """
        ...

    def update(self, delivery: "Delivery") -> None:
        """Show the present state on a message that was sent. Raises like `send`."""
        ...

    def problems(self) -> Iterable[CheckMessage]:
        """What `manage.py check` says about its settings."""
        ...
