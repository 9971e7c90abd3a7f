"""What becomes of a message that was written: claimed, sent, tried again, at last given up.

At least once, never in the way: a process that dies between the other side's answer and our note of it
sends a second copy. Nothing here decides anything.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from approvals import channels
from approvals.actions import shutdowns
from approvals.channels.base import Channel, Misconfigured, Permanent, Recipients, Retry
from approvals.channels.deadline import TookTooLong, deadline
from approvals.models import ApprovalRequest
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.requests import policy
from approvals.requests.versions import version_in_rows, version_of
from approvals.signals import deliveries_written
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
AT_A_TIME: Final = 30.0  # seconds, within the time of the worker's task
HELD_UP: Final = (
    0.25  # of the time that a message may take: a failure that took so long is a time-out
)


class NotFailed(Refusal):
    """Only what has failed is sent again."""


def pump(*, until: Callable[[], bool] = lambda: False) -> int:
    """Send what is due, and bring up to date what was sent. Returns how many went through.

    Any number of processes may do so at once: each message is claimed by one of them. Ends after a
    while, or as soon as `until` holds.
    """
    _give_up_what_kills()
    end, went = time.monotonic() + AT_A_TIME, 0
    while time.monotonic() < end and not until() and (delivery := _claim()):
        went += _update(delivery) if delivery.status == Status.SENT else _send(delivery)
    if time.monotonic() >= end:
        deliveries_written.send(sender=Delivery)  # there may be more
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
        shutdowns.turn_on(name)
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
    waits = Q(_is_due(), status=Status.QUEUED)
    # Its process has gone, or hangs: nobody knows whether it went out, and a copy does no harm.
    left = Q(status=Status.SENDING, lease_until__lt=Now(), attempts__lt=MOST_ATTEMPTS)
    return Delivery.objects.filter(waits | left)


def _is_due() -> Q:
    """No message is put off for longer than the longest pause: the database's clock was set back."""
    return Q(due_at__lte=Now()) | Q(due_at__gt=Now() + timedelta(seconds=LONGEST_PAUSE))


def _to_update() -> "QuerySet[Delivery]":
    """Messages that show a question as open, in a state that it is not in any more."""
    updatable = [channel.name for channel in channels.every() if channel.updatable]
    return (
        Delivery.objects.filter(
            _is_due(),
            Q(lease_until=None) | Q(lease_until__lt=Now()),
            status=Status.SENT,
            shown_version__startswith="pending",
            channel__in=updatable,
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
    began = time.monotonic()
    try:
        external = _in_time(partial(channel.send, delivery))
    except Exception as error:
        _failed(delivery, channel, error)
        _note_silence(channel, error, time.monotonic() - began)
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
    shutdowns.works(channel)
    return True


def _update(delivery: Delivery) -> bool:
    channel = channels.named(delivery.channel)
    shown = version_of(delivery.request) if delivery.request else ""
    began = time.monotonic()
    try:
        _in_time(partial(channel.update, delivery))
    except Exception as error:
        _not_updated(delivery, channel, error, shown)
        _note_silence(channel, error, time.monotonic() - began)
        return False
    _note(delivery, shown_version=shown, attempts=0, error="")
    return True


def _in_time[T](act: Callable[[], T]) -> T:
    """What this returns. Raises `Retry` when it takes longer than one message may."""
    try:
        with deadline(settings.DELIVERY_SECONDS):
            return act()
    except TookTooLong as late:
        connection.close()  # it may have been in the middle of a statement
        raise Retry("There was no answer in time.") from late


def _note_silence(channel: Channel, error: Exception, took: float) -> None:
    """A channel that holds up its worker again and again is left alone for a while."""
    if isinstance(error, Retry) and took >= settings.DELIVERY_SECONDS * HELD_UP:
        shutdowns.did_not_answer(channel, settings.DELIVERY_SECONDS)


def _pointless(delivery: Delivery) -> str:
    """Why this is not sent after all; empty when it is."""
    person, request = delivery.person, delivery.request
    if person is not None and not person.is_active:
        return "The person's account is deactivated."
    if person is not None and not _leads_to(delivery, Recipients(delivery.event, [person])):
        return "The person's address has changed."
    group = delivery.group
    if group is not None and not _leads_to(delivery, Recipients(delivery.event, (), [group])):
        return "The group no longer uses this Slack channel."
    if not delivery.asks or request is None:
        return ""
    if person is None:
        asked = ApprovalRequest.objects.filter(status="pending", expires_at__gt=Now())
    else:
        asked = policy.to_decide(person)
    return "" if asked.filter(pk=request.pk).exists() else "Decided before it was sent."


def _leads_to(delivery: Delivery, recipients: Recipients) -> bool:
    """Whether this is, now, an address of those who are to be told."""
    targets = channels.named(delivery.channel).targets(recipients)
    return delivery.address in {target.address for target in targets}


def _failed(delivery: Delivery, channel: Channel, error: Exception) -> None:
    if isinstance(error, Misconfigured):
        shutdowns.is_misconfigured(channel, str(error))
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
        shutdowns.is_misconfigured(channel, str(error))
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
        return min(error.after, LONGEST_PAUSE)
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
