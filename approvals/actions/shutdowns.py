"""Channels that are turned off for a while: their settings are wrong, or the other side does not answer."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.db.models.functions import Now

from approvals.channels.base import Channel
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.notifications.notify import notify
from approvals.signals import deliveries_written
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import transition

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from backoffice.models import User

MISCONFIGURED: Final = timedelta(minutes=15)  # then it tries one message
SHORTEST: Final = timedelta(
    minutes=1
)  # for one that does not answer; longer, the longer that lasts
SILENCES: Final = 3  # time-outs in a row, in one worker

# Of this process. Each costs a worker its time, so each worker may find out for itself.
_in_a_row: Final[Counter[str]] = Counter()


def is_misconfigured(channel: Channel, why: str) -> None:
    """Nothing gets through before somebody mends the settings."""
    _turn_off(channel, why, MISCONFIGURED)


def did_not_answer(channel: Channel, seconds: float) -> None:
    """Note a time-out. After some in a row, or where it was only tried again, the channel rests."""
    _in_a_row[channel.name] += 1
    before = ChannelShutdown.objects.filter(channel=channel.name).first()
    if before or _in_a_row[channel.name] >= SILENCES:
        lasts = database_now() - before.since if before else SHORTEST
        why = f"There was no answer within {seconds:.0f} seconds, again and again."
        _turn_off(channel, why, min(max(lasts, SHORTEST), MISCONFIGURED))


def works(channel: Channel) -> None:
    """Note that a message went through."""
    _in_a_row.pop(channel.name, None)
    if ChannelShutdown.objects.filter(channel=channel.name).exists():
        with transition(by=None, door=Door.WORKER):
            turn_on(channel.name)


def turn_on(name: str) -> None:
    """Let it send again, inside the transaction of whoever wants that."""
    # One by one: a bulk delete would leave no history.
    for shutdown in ChannelShutdown.objects.filter(channel=name):
        shutdown.delete()


def _turn_off(channel: Channel, why: str, how_long: timedelta) -> None:
    """Stop a channel, and tell those who can mend it: in the inbox and by the other channels."""
    with transition(by=None, door=Door.WORKER):
        shutdown, _ = ChannelShutdown.objects.update_or_create(
            channel=channel.name, defaults={"why": why, "retry_at": Now() + how_long}
        )
        shutdown.refresh_from_db()
        deliveries_written.send(sender=Delivery, due_at=shutdown.retry_at)
        notify(
            managers(),
            event="channel_turned_off",
            subject=shutdown,
            text=f"{channel.label} was turned off, and nothing is sent through it: {why}",
            occurrence=shutdown.since.isoformat(),
        )


def managers() -> "QuerySet[User]":
    """Who may set up channels."""
    backend = "django.contrib.auth.backends.ModelBackend"
    return get_user_model().objects.with_perm("approvals.manage_channels", backend=backend)
