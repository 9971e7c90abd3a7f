"""Who somebody is in Slack, as questions that change nothing: the links that hold now."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from approvals.models.deliveries import SlackLink

if TYPE_CHECKING:
    from backoffice.models import User


def holding() -> QuerySet[SlackLink]:
    """The links that were confirmed, and have not ended."""
    return SlackLink.objects.filter(confirmed_at__isnull=False, ended_at=None)


def link_of(person: "User") -> SlackLink | None:
    """The link of a person."""
    return holding().filter(person=person).first()


def person_of(team: str, user: str) -> "User | None":
    """Whose this account of this workspace is."""
    link = holding().filter(team=team, user=user).select_related("person").first()
    return link.person if link else None
