"""The frame around every change of state: one transaction, one actor, and refusals on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import models, transaction

from audit.actions import record
from audit.context import acting
from audit.models import Event

if TYPE_CHECKING:
    from backoffice.models import User


class Refusal(Exception):
    """Something a person asked for and may not have. The text is for that person."""


@contextmanager
def transition(
    *, by: "User | None", door: str, subject: models.Model | None = None, reason: str = ""
) -> Iterator[None]:
    """Run the block in one transaction, as this person through this door.

    A `Refusal` undoes the block and is then recorded, in a transaction of its own.
    """
    try:
        with transaction.atomic(), acting(user=by, door=door, reason=reason):
            yield
    except Refusal as refusal:
        record(Event.Verb.REFUSED, by=by, door=door, subject=subject, reason=str(refusal))
        raise
