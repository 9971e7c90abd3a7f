"""Slack as a door: who somebody is there, and what they decide there.

Nobody is known in Slack but by a link that they made while signed in here, with fresh proof, and
confirmed by a click of that very account.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.functions import Now

from approvals.actions.requests import decide
from approvals.channels.base import SLACK
from approvals.channels.slack.accounts import holding, link_of
from approvals.models import ApprovalRequest, Decision
from approvals.models.deliveries import CONFIRM_WITHIN, GroupSlackChannel, SlackLink
from approvals.notifications.notify import notify
from approvals.requests.proofs import ProofMissing, fresh_proof
from audit.context import Door
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User


class NotLinked(Refusal):
    """Nobody here has said that this Slack account is theirs."""


class NoLink(Refusal):
    """The link cannot be made, or is not waiting to be confirmed."""


def decide_in_slack(
    request_id: UUID | str,
    *,
    team: str,
    user: str,
    verdict: Decision.Verdict | str,
    seal: str,
    reason: str = "",
) -> ApprovalRequest:
    """Decide as whoever this Slack account is linked to. Refuses whatever `decide` refuses.

    Raises `NotLinked` for an account that is nobody's.
    """
    subject = ApprovalRequest.objects.filter(pk=request_id).first()
    with transition(by=None, door=Door.SLACK, subject=subject):
        # Locked, so that a link that is being ended right now counts either before or not at all.
        link = holding().select_for_update(of=("self",)).filter(team=team, user=user).first()
        if link is None:
            raise NotLinked(
                "No decision was made: this Slack account is not linked to anybody. Sign in to the "
                "back office and link it under “Notification settings”."
            )
        return decide(
            request_id,
            decided_by=link.person,
            verdict=verdict,
            seal=seal,
            door=Door.SLACK,
            reason=reason,
        )


# --- Links ----------------------------------------------------------------------------------------


def offer_slack_link(person: "User", *, team: str, user: str, session: str, door: str) -> SlackLink:
    """Note that this Slack account is said to be this person's, and wait for a click there.

    Raises `ProofMissing` unless the person has proved who they are in this session, and `NoLink`
    where they or the account are linked already.
    """
    with transition(by=person, door=door, subject=person):
        get_user_model().objects.select_for_update().get(pk=person.pk)
        if fresh_proof(person, session) is None:
            raise ProofMissing("Confirm your password: a linked account can decide on your behalf.")
        if link_of(person):
            raise NoLink("You have already linked a Slack account. Unlink it first.")
        _must_be_free(team, user)
        for earlier in SlackLink.objects.filter(person=person, ended_at=None):
            _end(earlier)
        return SlackLink.objects.create(person=person, team=team, user=user)


def confirm_slack_link(link_id: int, *, team: str, user: str) -> SlackLink:
    """Make the link hold: clicked by the account itself, in time, once. Raises `NoLink`."""
    offered = SlackLink.objects.select_related("person").filter(pk=link_id).first()
    by = offered.person if offered and (offered.team, offered.user) == (team, user) else None
    with transition(by=by, door=Door.SLACK, subject=by):
        link = _waiting(link_id, team, user)
        _must_be_free(team, user)
        link.confirmed_at = Now()
        link.save(update_fields=["confirmed_at"])
        _notify(link, f"Slack account linked. It can decide on your behalf: {link.user}")
    link.refresh_from_db()
    return link


def decline_slack_link(link_id: int, *, team: str, user: str) -> None:
    """End an offer because the account says it is somebody else's. Raises `NoLink`."""
    with transition(by=None, door=Door.SLACK):
        link = _waiting(link_id, team, user)
        _end(link)
        _notify(link, f"The Slack account {link.user} answered that it is not yours")


def end_slack_link(
    person: "User", *, by: "User", door: str, reason: str = "", tells: bool = True
) -> None:
    """End the link of a person, and what waits to be one. Nothing is decided by it any more."""
    with transition(by=by, door=door, subject=person, reason=reason):
        for link in SlackLink.objects.select_for_update().filter(person=person, ended_at=None):
            _end(link)
            if tells and link.confirmed_at:
                _notify(link, f"Slack account unlinked: {link.user}")


def _waiting(link_id: int, team: str, user: str) -> SlackLink:
    """The offer, while it can be confirmed by this account."""
    link = (
        SlackLink.objects.select_for_update(of=("self",))
        .filter(pk=link_id, team=team, user=user, confirmed_at=None, ended_at=None)
        .filter(offered_at__gt=Now() - CONFIRM_WITHIN, person__is_active=True)
        .first()
    )
    if link is None:
        raise NoLink("This request to link has expired. Try again in the back office.")
    return link


def _must_be_free(team: str, user: str) -> None:
    if holding().filter(team=team, user=user).exists():
        raise NoLink("This Slack account is already linked to somebody.")


def _end(link: SlackLink) -> None:
    link.ended_at = Now()
    link.save(update_fields=["ended_at"])


def _notify(link: SlackLink, text: str) -> None:
    """By the other channels: who has got hold of the Slack account must not be the only reader."""
    notify(
        [link.person],
        event="slack_link_changed",
        subject=link,
        text=text,
        occurrence=f"{'ended' if link.ended_at else 'made'}",
        without=[SLACK],
        even_themselves=True,
    )


# --- Rooms ----------------------------------------------------------------------------------------


def set_group_slack_channel(
    group: Group, channel: str, *, by: "User", door: str, reason: str
) -> None:
    """Ask a group in this Slack channel from now on; in none where it is empty.

    The caller has asked whether this person may change groups.
    """
    with transition(by=by, door=door, subject=group, reason=reason):
        room = GroupSlackChannel.objects.select_for_update().filter(group=group).first()
        if room and not channel:
            room.delete()
        elif room and room.channel != channel:
            room.channel = channel
            room.save(update_fields=["channel"])
        elif channel and not room:
            GroupSlackChannel.objects.create(group=group, channel=channel)
