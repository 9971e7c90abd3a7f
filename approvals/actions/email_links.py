"""A decision by way of an email: by the very person that it was sent to, once, on what it asked."""

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from approvals.actions.requests import decide
from approvals.models import ApprovalRequest, Decision
from approvals.models.deliveries import MailLink
from approvals.requests import policy
from audit.context import Door
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User


class NotYours(Refusal):
    """The link was sent to somebody else."""


class LinkUsed(Refusal):
    """A decision was made through this link before."""


def decide_by_link(
    link_id: int,
    *,
    decided_by: "User",
    verdict: Decision.Verdict | str,
    seal: str,
    reason: str = "",
    session: str = "",
) -> ApprovalRequest:
    """Decide what an email asked. Refuses whatever `decide` refuses, and the link of another.

    `seal` is that of the page which the decision was made on. A refusal does not use the link up.
    """
    subject = MailLink.objects.select_related("request").get(pk=link_id).request
    with transition(by=decided_by, door=Door.EMAIL, subject=subject, reason=reason):
        # Locked first: of two answers at the same instant the second finds the link used.
        link = MailLink.objects.select_for_update().get(pk=link_id)
        if problem := objection_to(link, decided_by):
            raise problem
        link.used_at = Now()
        link.save(update_fields=["used_at"])
        return decide(
            link.request_id,
            decided_by=decided_by,
            verdict=verdict,
            seal=seal,
            door=Door.EMAIL,
            reason=reason,
            session=session,
        )


def objection_to(link: MailLink, person: "User") -> Refusal | None:
    """Why this person may not answer by this link; None if they may."""
    if link.person_id != person.pk:
        return NotYours("This link was sent to another person. No decision was made.")
    if link.used_at is not None:
        return LinkUsed("You have already decided with this link.")
    if link.seal != link.request.seal:
        return policy.SomethingChanged(
            "This link is outdated. Open the request in your inbox, and review it there."
        )
    return None
