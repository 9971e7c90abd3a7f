"""From somebody who is signed in to the Slack account that has to say “yes, this is me”.

Only in this direction. A link handed out in Slack and confirmed in a browser could be put before
somebody else.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from slack_sdk.errors import SlackApiError

from approvals import actions
from approvals.channels.slack import blocks
from approvals.channels.slack.client import client
from approvals.channels.slack.errors import code_of, said
from approvals.models.deliveries import SlackLink
from approvals.slack_app.payloads import Account
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

PATIENCE = 5  # seconds for a page that somebody waits for


class NoAccount(Refusal):
    """There is no account in Slack that could be asked."""


def request_confirmation(person: "User", *, session: str, door: str) -> SlackLink:
    """Ask the account with this person's email address, in a direct message, whether it is theirs.

    The address only says whom to ask: what counts is the click. Raises `NoAccount` where Slack knows
    none or does not answer, and whatever `offer_slack_link` raises.
    """
    account = _account_of(person)
    link = actions.offer_slack_link(
        person, team=account.team, user=account.user, session=session, door=door
    )
    try:
        client(PATIENCE).chat_postMessage(channel=account.user, **_question(link))
    except Exception as error:
        raise NoAccount(f"{said(error)} Try again in a few minutes.") from error
    return link


def _account_of(person: "User") -> Account:
    try:
        found = client(PATIENCE).users_lookupByEmail(email=person.email)["user"]
    except SlackApiError as error:
        if code_of(error) == "users_not_found":
            raise NoAccount(f"No Slack account has your address, {person.email}.") from error
        raise NoAccount(f"{said(error)} Try again in a few minutes.") from error
    except Exception as error:
        raise NoAccount(f"{said(error)} Try again in a few minutes.") from error
    if _is_no_member(found):
        raise NoAccount("Guests, bots and people from other workspaces cannot be linked.")
    return Account(found["team_id"], found["id"])


def _is_no_member(user: dict[str, Any]) -> bool:
    kinds = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
    return user["team_id"] != settings.SLACK_TEAM_ID or any(user.get(kind) for kind in kinds)


def _question(link: SlackLink) -> dict[str, Any]:
    text = (
        f"{link.person} ({link.person.get_username()}) wants to link this Slack account in the "
        "back office. If this is you, choose Yes within ten minutes: decisions that you make here "
        "then count as yours. If it is not you, choose No."
    )
    value = str(link.pk)
    answers = blocks.buttons(
        blocks.button("Yes, this is me", "link_yes", value=value, style="primary"),
        blocks.button("No", "link_no", value=value, style="danger"),
    )
    return {"text": blocks.escaped(text), "blocks": [blocks.section(text), answers]}
