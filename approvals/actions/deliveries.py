"""What becomes of a message that was written: claimed, sent, tried again, at last given up.

At least once, never in the way: a process that dies between the other side's answer and our note of it
sends a second copy. Nothing here decides anything.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from approvals import channels
from approvals.channels.base import Channel, Misconfigured, Permanent, Retry, Told
from approvals.models import ApprovalRequest
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.notifications.notify import notify
from approvals.requests import policy
from approvals.requests.versions import version_in_rows, version_of
from approvals.signals import deliveries_written
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User

logger = logging.getLogger(__name__)

Status = Delivery.Status

LEASE: Final = timedelta(seconds=90)  # longer than any channel may take for one message
MOST_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = 5.0  # seconds; each further one is three times as long
LONGEST_PAUSE: Final = 3600.0
SHUTDOWN: Final = timedelta(minutes=15)  # then a stopped channel tries one message
AT_A_TIME: Final = 60.0  # seconds: a worker has other things to do as well


class NotFailed(Refusal):
    """Only what has failed is sent again."""


def pump() -> int:
    """Send what is due, and bring up to date what was sent. Returns how many went through.

    Any number of processes may do so at once: each message is claimed by one of them.
    """
    _give_up_what_kills()
    until, went = time.monotonic() + AT_A_TIME, 0
    while time.monotonic() < until and (delivery := _claim()):
        went += _update(delivery) if delivery.status == Status.SENT else _send(delivery)
    return went


def send_again(delivery_id: int, *, by: "User", door: str) -> Delivery:
    """Try a message that has failed once more, from the first attempt on."""
    with transition(by=by, door=door):
        delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
        if delivery.status != Status.FAILED:
            raise NotFailed("Only failed deliveries can be sent again.")
        delivery.status, delivery.attempts = Status.QUEUED, 0
        delivery.due_at = Now()
        delivery.save(update_fields=["status", "attempts", "due_at"])
        deliveries_written.send(sender=Delivery)
    return delivery


def resume_channel(name: str, *, by: "User", door: str) -> None:
    """Let a channel that has stopped itself try again at once."""
    with transition(by=by, door=door):
        _lift_shutdown(name)
        Delivery.objects.filter(channel=name, status=Status.QUEUED).update(due_at=Now())
        deliveries_written.send(sender=Delivery)


# --- Claiming -------------------------------------------------------------------------------------


def _claim() -> Delivery | None:
    """Take the next message that is due, for as long as the lease lasts."""
    with transaction.atomic():
        delivery = _next(_to_send()) or _next(_to_update())
        if delivery is None:
            return None
        # The number of the attempt is the fence: who took longer than the lease changes nothing.
        delivery.attempts += 1
        if delivery.status != Status.SENT:
            delivery.status = Status.SENDING
        delivery.lease_until = Now() + LEASE
        delivery.save(update_fields=["status", "attempts", "lease_until"])
    return delivery


def _next(due: "QuerySet[Delivery]") -> Delivery | None:
    return (
        due.exclude(
            channel__in=ChannelShutdown.objects.filter(retry_at__gt=Now()).values("channel")
        )
        .filter(channel__in=channels.names())
        .order_by("due_at", "pk")
        .select_for_update(skip_locked=True, of=("self",))
        .first()
    )


def _to_send() -> "QuerySet[Delivery]":
    waits = Q(status=Status.QUEUED, due_at__lte=Now())
    # Its process has gone, or hangs: nobody knows whether it went out, and a copy does no harm.
    left = Q(status=Status.SENDING, lease_until__lt=Now(), attempts__lt=MOST_ATTEMPTS)
    return Delivery.objects.filter(waits | left)


def _to_update() -> "QuerySet[Delivery]":
    """Messages that show a question as open, in a state that it is not in any more."""
    updatable = [channel.name for channel in channels.every() if channel.updatable]
    return (
        Delivery.objects.filter(
            Q(lease_until=None) | Q(lease_until__lt=Now()),
            status=Status.SENT,
            shown_version__startswith="pending",
            channel__in=updatable,
            due_at__lte=Now(),
        )
        .alias(version=version_in_rows())
        .exclude(shown_version=F("version"))
    )


def _give_up_what_kills() -> None:
    """What was taken so often and never came back may be what kills its process."""
    Delivery.objects.filter(
        status=Status.SENDING, lease_until__lt=Now(), attempts__gte=MOST_ATTEMPTS
    ).update(status=Status.FAILED, lease_until=None, error="The sender stopped before it finished.")


# --- Sending --------------------------------------------------------------------------------------


def _send(delivery: Delivery) -> bool:
    if why := _pointless(delivery):
        _note(delivery, status=Status.SKIPPED, error=why)
        return False
    channel = channels.named(delivery.channel)
    # Read before the message is made: what changes meanwhile is found as out of date.
    shown = version_of(delivery.request) if delivery.request else ""
    try:
        external = channel.send(delivery)
    except Exception as error:
        _failed(delivery, channel, error)
        return False
    _note(
        delivery,
        status=Status.SENT,
        external=external,
        shown_version=shown,
        sent_at=Now(),
        attempts=0,
        error="",
    )
    _works_again(channel)
    return True


def _update(delivery: Delivery) -> bool:
    channel = channels.named(delivery.channel)
    shown = version_of(delivery.request) if delivery.request else ""
    try:
        channel.update(delivery)
    except Exception as error:
        _not_updated(delivery, channel, error, shown)
        return False
    _note(delivery, shown_version=shown, attempts=0, error="")
    return True


def _pointless(delivery: Delivery) -> str:
    """Why this is not sent after all; empty when it is."""
    person, request = delivery.person, delivery.request
    if person is not None and not person.is_active:
        return "The person's account is deactivated."
    if person is not None and not _leads_to(delivery, Told(delivery.event, [person])):
        return "The person's address has changed."
    group = delivery.group
    if group is not None and not _leads_to(delivery, Told(delivery.event, (), [group])):
        return "The group no longer uses this Slack channel."
    if not delivery.asks or request is None:
        return ""
    if person is None:
        asked = ApprovalRequest.objects.filter(status="pending", expires_at__gt=Now())
    else:
        asked = policy.to_decide(person)
    return "" if asked.filter(pk=request.pk).exists() else "Decided before it was sent."


def _leads_to(delivery: Delivery, told: Told) -> bool:
    """Whether this is, now, an address of those who are to be told."""
    targets = channels.named(delivery.channel).targets(told)
    return delivery.address in {target.address for target in targets}


def _failed(delivery: Delivery, channel: Channel, error: Exception) -> None:
    if isinstance(error, Misconfigured):
        _shutdown(channel, str(error))
        # It is not this message's fault.
        _note(delivery, status=Status.QUEUED, attempts=delivery.attempts - 1, error=str(error))
    elif isinstance(error, Permanent) or delivery.attempts >= MOST_ATTEMPTS:
        _note(delivery, status=Status.FAILED, error=_words(delivery, error))
    else:
        due = _later(delivery, error)
        _note(delivery, status=Status.QUEUED, due_at=due, error=_words(delivery, error))


def _not_updated(delivery: Delivery, channel: Channel, error: Exception, shown: str) -> None:
    """A message that cannot be updated stays sent; the last word is what has been tried."""
    if isinstance(error, Misconfigured):
        _shutdown(channel, str(error))
        _note(delivery, attempts=delivery.attempts - 1, error=str(error))
    elif isinstance(error, Permanent) or delivery.attempts >= MOST_ATTEMPTS:
        _note(delivery, shown_version=shown, attempts=0, error=_words(delivery, error))
    else:
        _note(delivery, due_at=_later(delivery, error), error=_words(delivery, error))


def _later(delivery: Delivery, error: Exception) -> datetime:
    """When it is tried again. Somebody is told to look then: the sweep comes once a minute only."""
    due = database_now() + timedelta(seconds=_pause(delivery, error))
    deliveries_written.send(sender=Delivery, due_at=due)
    return due


def _pause(delivery: Delivery, error: Exception) -> float:
    if isinstance(error, Retry) and error.after is not None:
        return error.after
    return min(FIRST_PAUSE * 3.0 ** (delivery.attempts - 1), LONGEST_PAUSE)


def _words(delivery: Delivery, error: Exception) -> str:
    if isinstance(error, (Retry, Permanent)):
        return str(error)
    logger.error("Delivery %s failed", delivery.pk, exc_info=error)
    return f"{type(error).__name__} in the channel's code. See the log of the worker."


def _note(delivery: Delivery, **fields: Any) -> None:  # noqa: ANN401
    """Write down what became of it, unless somebody else has taken it meanwhile."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, status=delivery.status, attempts=delivery.attempts
    )
    mine.update(lease_until=None, **fields)


# --- Channels that stop ---------------------------------------------------------------------------


def _shutdown(channel: Channel, why: str) -> None:
    """Stop a channel, and tell those who can mend it: in the inbox and by the other channels."""
    with transition(by=None, door=Door.WORKER):
        shutdown, _ = ChannelShutdown.objects.update_or_create(
            channel=channel.name, defaults={"why": why, "retry_at": Now() + SHUTDOWN}
        )
        shutdown.refresh_from_db()
        notify(
            managers(),
            event="channel_turned_off",
            subject=shutdown,
            text=f"{channel.label} was turned off, and nothing is sent through it: {why}",
            occurrence=shutdown.since.isoformat(),
        )


def _works_again(channel: Channel) -> None:
    if not ChannelShutdown.objects.filter(channel=channel.name).exists():
        return
    with transition(by=None, door=Door.WORKER):
        _lift_shutdown(channel.name)


def _lift_shutdown(name: str) -> None:
    # One by one: a bulk delete would leave no history.
    for shutdown in ChannelShutdown.objects.filter(channel=name):
        shutdown.delete()


def managers() -> "QuerySet[User]":
    """Who may set up channels."""
    backend = "django.contrib.auth.backends.ModelBackend"
    return get_user_model().objects.with_perm("approvals.manage_channels", backend=backend)
