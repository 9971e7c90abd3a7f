"""What follows when somebody presses something in Slack.

Each function commits before it answers, and answers before it tidies up. Whatever was pressed, its
message shows afterwards how things are now: also a second copy of it, and one from long ago.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from approvals import actions
from approvals.channels.slack import blocks
from approvals.channels.slack.accounts import person_of
from approvals.channels.slack.client import CLICKED, client
from approvals.channels.slack.message import message_for
from approvals.channels.slack.values import Shown, Unreadable
from approvals.models import ApprovalRequest, Decision
from approvals.models.deliveries import Delivery
from approvals.requests.policy import objection, objection_to_door
from approvals.requests.review_state import ReviewState
from approvals.slack_app.modal import modal_for
from approvals.slack_app.payloads import Account, Click, Filled, Place
from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import Refusal

if TYPE_CHECKING:
    pass

logger = logging.getLogger(__name__)

type Body = Mapping[str, Any]
type Ack = Callable[..., Any]
Verdict = Decision.Verdict
GONE: Final = (
    "No decision was made: this message is not ours, or comes from another workspace. "
    "Open your inbox in the back office."
)
NOT_OPENED: Final = (
    "Nothing was decided: Slack did not open the window for the reason. Press the button again, or "
    "open the request in the back office."
)


def approve(body: Body, ack: Ack) -> None:
    """Approve what the message showed."""
    with _read(ack):
        click = Click.of(body)
        shown, said = Shown.read(click.value), ""
        try:
            _decide(click.account, shown, Verdict.APPROVE)
        except Refusal as refusal:
            said = str(refusal)
        ack()
        _tidy_up(click.account, click.place, shown, said)


def open_rejection_modal(body: Body, ack: Ack) -> None:
    """Open the modal in which the reason for a rejection is typed."""
    with _read(ack):
        click = Click.of(body)
        shown = Shown.read(click.value)
        request = ApprovalRequest.objects.filter(pk=shown.request_id).first()
        problem = _problem(request, click.account, shown)
        if request and not problem:
            # Before the answer: the trigger is good for three seconds.
            view = modal_for(request, shown, click.place)
            if not _try(lambda slack: slack.views_open(trigger_id=click.trigger, view=view)):
                problem = NOT_OPENED
        ack()
        if problem:
            _tidy_up(click.account, click.place, shown, problem)


def reject(body: Body, ack: Ack) -> None:
    """Reject, with the reason that was typed. What is refused stands in the modal."""
    with _read(ack):
        filled = Filled.of(body)
        shown = Shown.read(filled.value)
        try:
            _decide(filled.account, shown, Verdict.REJECT, filled.reason)
        except Refusal as refusal:
            ack(response_action="errors", errors={"reason": str(refusal)})
        else:
            ack()
        _tidy_up(filled.account, filled.place, shown)


def answer_link(body: Body, ack: Ack) -> None:
    """“Yes, this is me”, or “No”, to somebody who says that this account is theirs."""
    with _read(ack):
        click = Click.of(body)
        said = _linked(click, agrees=body["actions"][0]["action_id"] == "link_yes")
        ack()
        _replace(click.place, said, [blocks.section(said)])


def look(body: Body, ack: Ack) -> None:
    """A button that only leads to a page tells us so, too."""
    ack()


# --- Deciding -------------------------------------------------------------------------------------


def _decide(account: Account, shown: Shown, verdict: Verdict, reason: str = "") -> None:
    actions.decide_in_slack(
        shown.request_id,
        team=account.team,
        user=account.user,
        verdict=verdict,
        seal=shown.seal,
        reason=reason,
    )


def _problem(request: ApprovalRequest | None, account: Account, shown: Shown) -> str:
    """Why a rejection would be refused, before anybody types a reason for nothing."""
    if request is None:
        return GONE
    person = person_of(account.team, account.user)
    if person is None:
        return "This Slack account is not linked to anybody. Link it under “Notification settings”."
    review = ReviewState.of(request)
    found = objection(review, person, now=database_now(), seal=shown.seal)
    return str(found or objection_to_door(review, Door.SLACK) or "")


def _linked(click: Click, *, agrees: bool) -> str:
    who = {"team": click.account.team, "user": click.account.user}
    try:
        number = int(click.value)
        if agrees:
            link = actions.confirm_slack_link(number, **who)
            return f"Linked. Your decisions here count as {link.person}."
        actions.decline_slack_link(number, **who)
    except ValueError:
        return GONE
    except Refusal as refusal:
        return str(refusal)
    return "Not linked. If you did not expect this, contact an administrator of the back office."


# --- Afterwards -----------------------------------------------------------------------------------


@contextmanager
def _read(ack: Ack) -> Iterator[None]:
    """Nothing follows from what is not ours, or comes from another workspace."""
    try:
        yield
    except Unreadable as error:
        logger.warning("Something pressed in Slack was not read: %s", error)
        ack()


def _tidy_up(account: Account, place: Place, shown: Shown, said: str = "") -> None:
    """Show on the message how things are now and, to who has pressed alone, what was refused.

    The messages of others are updated by the worker. Nothing here may fail what was decided.
    """
    request = ApprovalRequest.objects.filter(pk=shown.request_id).first()
    if said:
        _whisper(account, place, said)
    if request is not None:
        # Also where no delivery of ours is known: a copy whose answer got lost.
        of_old = Delivery(request=request, person=person_of(account.team, account.user), asks=True)
        message = message_for(of_old)
        _replace(place, message.text, message.blocks)


def _replace(place: Place, text: str, parts: list[blocks.Block]) -> None:
    _try(
        lambda slack: slack.chat_update(
            channel=place.channel, ts=place.ts, text=blocks.escaped(text), blocks=parts
        )
    )


def _whisper(account: Account, place: Place, said: str) -> None:
    _try(
        lambda slack: slack.chat_postEphemeral(
            channel=place.channel,
            user=account.user,
            text=blocks.escaped(said),
            blocks=[blocks.section(blocks.shortened(said, blocks.TEXT))],
        )
    )


def _try(call: Callable[[Any], object]) -> bool:
    """Whether Slack did it."""
    try:
        call(client(CLICKED))
    except Exception as error:  # whatever it is, the decision stands
        logger.warning("Slack refused a call: %s", type(error).__name__)
        return False
    return True
