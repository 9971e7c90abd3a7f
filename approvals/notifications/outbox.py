"""From what is told to the messages that leave the house: one row for each address."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from django.db import models

from approvals import channels
from approvals.channels.base import EMAIL, SLACK, Recipients, Target
from approvals.models import ApprovalRequest, SlackMode
from approvals.models.deliveries import Delivery, NotificationSetting
from approvals.notifications.events import goes_out_by_default
from approvals.signals import deliveries_written


def put(
    recipients: Recipients,
    *,
    subject: models.Model,
    text: str,
    occurrence: str = "",
    asks: bool = False,
    other_texts: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write what is to be sent when, and only when, the present transaction commits.

    What was written before is not written again. `asks` says that it asks for a decision: it is not
    sent when the decision is no longer wanted. `other_texts` are those of channels, by their names,
    that say it in other words.
    """
    if isinstance(subject, ApprovalRequest) and subject.slack_mode == SlackMode.OFF:
        recipients = replace(recipients, without={*recipients.without, SLACK})
    rows = [
        Delivery(
            channel=name,
            address=target.address,
            person=target.person,
            group=target.group,
            event=recipients.event,
            occurrence=occurrence,
            text=other_texts.get(name, text),
            subject_type=subject._meta.label_lower,
            subject_id=str(subject.pk),
            request=subject if isinstance(subject, ApprovalRequest) else None,
            asks=asks,
        )
        for name, target in _targets(recipients)
    ]
    if rows:
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        deliveries_written.send(sender=Delivery)


def put_to_address(
    address: str, *, event: str, subject: models.Model, text: str, occurrence: str = ""
) -> None:
    """Write an email to an address that is nobody's any more, when the present transaction commits.

    Its owner hears that it was changed, whatever their settings.
    """
    if EMAIL not in channels.names():
        return
    row = Delivery(
        channel=EMAIL,
        address=address,
        event=event,
        occurrence=occurrence,
        text=text,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
    )
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    deliveries_written.send(sender=Delivery)


def refresh(request: ApprovalRequest) -> None:
    """Have messages that show another state of a request brought up to date after the commit."""
    updatable = [channel.name for channel in channels.every() if channel.updatable]
    shown = Delivery.objects.filter(
        request=request, status="sent", shown_version__startswith="pending", channel__in=updatable
    )
    if updatable and shown.exists():
        deliveries_written.send(sender=Delivery)


def _targets(recipients: Recipients) -> Iterator[tuple[str, Target]]:
    for channel in channels.every():
        if channel.name in recipients.without:
            continue
        wants = _wishes(recipients, channel.name)
        for target in channel.targets(recipients):
            if target.person is None or wants.get(
                target.person.pk, goes_out_by_default(recipients.event)
            ):
                yield channel.name, target


def _wishes(recipients: Recipients, channel: str) -> Mapping[int, bool]:
    rows = NotificationSetting.objects.filter(
        event=recipients.event, channel=channel, person__in=recipients.people
    )
    return dict(rows.values_list("person", "wanted"))
