"""Who is notified of what. It never blocks and never decides: rows that are written with the fact."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models.functions import Now

from approvals import channels
from approvals.channels.base import SLACK, Recipients
from approvals.models import ApprovalRequest, Notification
from approvals.notifications import outbox
from approvals.notifications.events import REQUEST_OPENED
from approvals.requests import quorum, rights
from approvals.requests.review_state import ReviewState
from audit.context import current
from audit.texts.quoting import quoted

if TYPE_CHECKING:
    from backoffice.models import User


def notify(  # noqa: PLR0913 - what is sent, about what, to whom and by what not
    people: "Iterable[User]",
    *,
    event: str,
    subject: models.Model,
    text: str,
    occurrence: str = "",
    asks: bool = False,
    without: Collection[str] = (),
    in_slack: str | None = None,
    even_themselves: bool = False,
) -> None:
    """Tell people something, when and only when the present transaction commits.

    In the inbox and through every channel that reaches them. `occurrence` tells two events of one
    kind and subject apart, such as two attempts; the same told twice is told once. Who did it is
    not told, unless `even_themselves` is said. `asks` is for what reminds of a decision: it is sent
    only while that is wanted. `without` names channels by which it is not told. `in_slack` is what Slack
    says of it instead of the text; nothing where that is empty. Raises RuntimeError outside a
    transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("tell() belongs into the transaction of what it tells.")
    acting = None if even_themselves else current().user_id
    people = [person for person in people if person.is_active and person.pk != acting]
    Notification.objects.bulk_create(
        (
            Notification(
                person=person,
                event=event,
                occurrence=occurrence,
                text=text,
                subject_type=subject._meta.label_lower,
                subject_id=str(subject.pk),
            )
            for person in people
        ),
        ignore_conflicts=True,
    )
    recipients = Recipients(event, people, without=without if in_slack != "" else {*without, SLACK})
    other = {SLACK: in_slack} if in_slack else {}
    outbox.put(
        recipients, subject=subject, text=text, occurrence=occurrence, asks=asks, other_texts=other
    )


def notify_reviewers(request: ApprovalRequest) -> None:
    """Notify those who may decide the stage that is open now, and its groups, by their channels.

    They need no row of their own: the request itself stands in their inbox. Once a stage.
    """
    if not channels.every():
        return
    review = ReviewState.of(request)
    if (stage := review.open_stage()) is None:
        return
    recipients = Recipients(
        REQUEST_OPENED, quorum.waited_for(review, stage), rights.groups_of(stage)
    )
    text = f"Approval needed: {quoted(request.title)}"
    outbox.put(recipients, subject=request, text=text, occurrence=str(stage.position), asks=True)


def mark_read(person: "User", notification_id: int | None = None) -> int:
    """Note that a person has read one of their own notices, or all. Returns how many were new.

    No history: it changes nothing that anybody decides.
    """
    unread = Notification.objects.filter(person=person, read_at=None)
    if notification_id is not None:
        unread = unread.filter(pk=notification_id)
    return unread.update(read_at=Now())
