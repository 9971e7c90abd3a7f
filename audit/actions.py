"""The only writer of events."""

from typing import TYPE_CHECKING, Any

from django.db import models

from audit.context import Door, current, label_of
from audit.models import Event

if TYPE_CHECKING:
    from backoffice.models import User


def record(
    verb: Event.Verb | str,
    *,
    by: "User | None",
    door: Door | str,
    subject: models.Model | None = None,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> Event:
    """Write down that this happened. The time is the database's.

    `by` is None where no person stands behind it, or where nobody has signed in yet.

    Raises:
        ValueError: the verb is none of `Event.Verb`, or the door none of `Door`.
    """
    context = current()
    return Event.objects.create(
        actor=by,
        actor_label=context.label if by is None and context.user_id is None else label_of(by),
        door=Door(door),
        verb=Event.Verb(verb),
        reason=reason or context.reason,
        request_id=context.request_id,
        ip=context.ip,
        data=data or {},
        **_subject(subject),
    )


def _subject(subject: models.Model | None) -> dict[str, str]:
    if subject is None:
        return {}
    return {
        "subject_type": subject._meta.label_lower,
        "subject_id": str(subject.pk),
        "subject_label": str(subject),
    }
