"""Who is told what. A notice never blocks and never decides: it is one row, written with the fact."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models.functions import Now

from approvals.models import Notice
from audit.context import current

if TYPE_CHECKING:
    from backoffice.models import User


def tell(
    people: "Iterable[User]",
    *,
    event: str,
    subject: models.Model,
    text: str,
    occurrence: str = "",
) -> None:
    """Tell people something, when and only when the present transaction commits. One statement.

    `occurrence` tells two events of one kind and subject apart, such as two attempts; the same told
    twice is told once. Who did it is not told. Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("tell() belongs into the transaction of what it tells.")
    acting = current().user_id
    Notice.objects.bulk_create(
        (
            Notice(
                person=person,
                event=event,
                occurrence=occurrence,
                text=text,
                subject_type=subject._meta.label_lower,
                subject_id=str(subject.pk),
            )
            for person in people
            if person.is_active and person.pk != acting
        ),
        ignore_conflicts=True,
    )


def mark_read(person: "User", notice_id: int | None = None) -> int:
    """Note that a person has read one of their own notices, or all. Returns how many were new.

    No history: it changes nothing that anybody decides.
    """
    unread = Notice.objects.filter(person=person, read_at=None)
    if notice_id is not None:
        unread = unread.filter(pk=notice_id)
    return unread.update(read_at=Now())
