"""What a message says. Made anew each time, from how things are now: so updating is sending again.

How much it shows is said by the request's `slack_mode`. Buttons that decide stand under all of what
is asked, and nowhere else: nobody agrees in Slack to what Slack does not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.template.defaultfilters import date as format_date
from django.utils.timezone import get_default_timezone, localtime

from approvals.channels.addresses import absolute, page_of
from approvals.channels.slack import blocks
from approvals.channels.slack.blocks import Block, TooLong
from approvals.channels.slack.values import Shown
from approvals.models import ApprovalRequest, Decision, SlackMode
from approvals.models.deliveries import Delivery
from approvals.requests.explanation import reasons_of
from approvals.requests.outdated import why_outdated
from approvals.requests.policy import objection_to_door, to_decide
from approvals.requests.review_state import ReviewState
from audit.context import Door, label_of
from audit.database.clock import database_now
from audit.texts.quoting import cited, in_one_line, quoted

if TYPE_CHECKING:
    from datetime import datetime

    from backoffice.models import User

# What we know how to show of a question. With anything else it is decided on its page.
KNOWN: Final = frozenset(
    {"task", "public", "facts", "changes", "ticket", "revision", "warnings", "amount"}
)
DID: Final = {"approve": "Approved", "reject": "Rejected", "change": "Changes requested"}
Status = ApprovalRequest.Status
NEEDED: Final = "Approval needed"


@dataclass(frozen=True)
class Message:
    """`text` is what notifications and screen readers say."""

    text: str
    blocks: list[Block]

    def as_arguments(self) -> dict[str, Any]:
        """For the client."""
        return {"text": blocks.escaped(self.text), "blocks": self.blocks}


def message_for(delivery: Delivery) -> Message:
    """The message of a delivery as it has to look now."""
    if delivery.request_id is None:
        return _told(delivery)
    request = ApprovalRequest.objects.select_related("requested_by").get(pk=delivery.request_id)
    if request.slack_mode == SlackMode.NOTIFY:
        return _hint(request)
    if delivery.person is None:
        return _post(request)
    if delivery.asks:
        return question_for(request, delivery.person)
    return _told(delivery)


def question_for(request: ApprovalRequest, person: "User") -> Message:
    """What is asked of a person, in a message to them alone."""
    state = state_of(request)
    text = f"{state or NEEDED}: {quoted(request.title)}"
    top = [blocks.header(state or NEEDED), *_lead(request)]
    bottom = [_buttons_to_look(request), blocks.note(" · ".join(_small_print(request)))]
    answers = [blocks.note(line) for line in _answers(request, with_reasons=True)]
    if why := why_outdated([request]).get(request.pk):
        outdated = blocks.note(f"{in_one_line(why)} It cannot be approved any more.")
        return Message(text, [*top, outdated, *answers, *bottom])
    if state or not to_decide(person).filter(pk=request.pk).exists():
        return Message(text, [*top, *answers, *bottom])
    if objection_to_door(ReviewState.of(request), Door.SLACK):
        return Message(text, [*top, *answers, *bottom])
    try:
        question = [*top, *_question(request), *answers, _buttons_to_decide(request), *bottom[1:]]
    except TooLong:
        question = []
    if not 0 < len(question) <= blocks.MOST_BLOCKS:
        too_long = blocks.note("This request is too long for Slack. Open it to decide.")
        return Message(text, [*top, *answers, too_long, *bottom])
    return Message(text, question)


def state_of(request: ApprovalRequest) -> str:
    """How a request has ended, in words; empty while it waits."""
    if request.status != Status.PENDING:
        return request.get_status_display()
    return str(Status.EXPIRED.label) if request.expires_at <= database_now() else ""


# --- Kinds of messages ----------------------------------------------------------------------------


def _told(delivery: Delivery) -> Message:
    """Something that asks nothing."""
    link = page_of(delivery.subject_type, delivery.subject_id)
    text = in_one_line(delivery.text)
    said = blocks.section(blocks.shortened(text, blocks.TEXT))
    return Message(text, [said, blocks.buttons(_open(link))])


def _hint(request: ApprovalRequest) -> Message:
    """That there is something, and nothing of what."""
    state = state_of(request)
    what = str(request.shown.get("task") or "A request")
    text = f"{what}: {(state or NEEDED).lower()}"
    link = blocks.button("Open your inbox", "open", url=absolute(INBOX))
    return Message(text, [blocks.section(text), blocks.buttons(link)])


def _post(request: ApprovalRequest) -> Message:
    """Where others read along: no customer, no reason, no free text, nothing that decides."""
    state = state_of(request)
    what = str(request.shown.get("public") or request.shown.get("task") or "A request")
    text = f"{state or NEEDED}: {what}"
    return Message(
        text,
        [
            blocks.header(state or NEEDED),
            blocks.section(f"{what} · requested by {label_of(request.requested_by)}"),
            *(blocks.note(line) for line in _answers(request, with_reasons=False)),
            _buttons_to_look(request),
            blocks.note(" · ".join(_small_print(request))),
        ],
    )


INBOX: Final = "admin:approvals_approvalrequest_changelist"


# --- Parts ----------------------------------------------------------------------------------------


def _lead(request: ApprovalRequest) -> list[Block]:
    """Who asks for what, and why: as much as an email says."""
    lead = [
        blocks.section(f"{quoted(request.title)} · requested by {label_of(request.requested_by)}")
    ]
    if request.reason:
        lead.append(blocks.section(blocks.shortened(_reason(request), blocks.TEXT)))
    lead += [
        blocks.section(blocks.shortened(f"Sent before. {in_one_line(warning)}", blocks.TEXT))
        for warning in request.shown.get("warnings", [])
    ]
    if needed := _why_needed(request):
        lead.append(blocks.section(blocks.shortened(needed, blocks.TEXT)))
    return lead


def _reason(request: ApprovalRequest) -> str:
    return f"Reason, in the words of {request.requested_by}:\n{cited(request.reason)}"


def _why_needed(request: ApprovalRequest) -> str:
    reasons = ". ".join(map(in_one_line, reasons_of(request)))
    return reasons and f"Why approval is needed: {reasons}."


def _question(request: ApprovalRequest) -> Iterator[Block]:
    """All that its page shows. Raises `TooLong` where that does not fit."""
    shown = request.shown
    if shown.keys() - KNOWN:
        raise TooLong("Some of it can be shown only in the browser.")
    for whole in (_reason(request), _why_needed(request)):
        blocks.section(whole)  # in the lead it would be shortened
    if ticket := shown.get("ticket"):
        yield blocks.section(f"Ticket {quoted(ticket['number'])}")
    if revision := shown.get("revision"):
        yield from _revision(revision)
    yield from blocks.fields(shown.get("facts", []))
    changes = shown.get("changes", [])
    if changes:
        yield blocks.section("\n".join(["What will change:", *map(_change, changes)]))


def _revision(revision: dict[str, Any]) -> Iterator[Block]:
    yield blocks.section(f"Revision {revision['number']}: what changed")
    if revision["wish"]:
        yield blocks.section(f"{revision['by']} requested changes:\n{cited(revision['wish'])}")
    if revision["changes"]:
        yield blocks.section("\n".join(map(_change, revision["changes"])))


def _change(change: list[str]) -> str:
    label, before, after, *more = change
    kind = f" ({more[0]})" if more and more[0] else ""
    return f"{in_one_line(label)}{kind}: {_side(before)} → {_side(after)}"


def _side(text: str) -> str:
    """One side of a change, in quotation marks where it could be taken for more than a side."""
    return quoted(text) if "→" in text or ": " in text else in_one_line(text) or "nothing"


def _answers(request: ApprovalRequest, *, with_reasons: bool) -> Iterator[str]:
    """Who has answered what, where, oldest first."""
    doors = dict(Door.choices)
    for answer in request.decisions.select_related("decided_by"):
        line = (
            f"{DID[answer.verdict]} by {answer.decided_by} via {doors.get(answer.door, '?')}, "
            f"{_moment(answer.decided_at)}"
        )
        yield f"{line}: {quoted(answer.reason)}" if with_reasons and answer.reason else line
    if request.status == ApprovalRequest.Status.PENDING and _has_answers(request):
        yield "More approvals are needed."


def _has_answers(request: ApprovalRequest) -> bool:
    return Decision.objects.filter(request=request).exists()


def _small_print(request: ApprovalRequest) -> Iterator[str]:
    yield f"Request {str(request.pk)[:8]}"
    if not state_of(request):
        yield f"Expires {_moment(request.expires_at)}"


def _moment(at: "datetime") -> str:
    return format_date(localtime(at, get_default_timezone()), "j M Y, H:i T")


def _buttons_to_decide(request: ApprovalRequest) -> Block:
    value = Shown.of(request).written()
    sure = blocks.confirm("Approve?", f"You are approving {quoted(request.title)}.", "Approve")
    return blocks.buttons(
        blocks.button("Approve", "approve", value=value, style="primary", confirm=sure),
        blocks.button("Reject…", "reject", value=value, style="danger"),
        _open(page_of(request._meta.label_lower, str(request.pk))),
    )


def _buttons_to_look(request: ApprovalRequest) -> Block:
    return blocks.buttons(_open(page_of(request._meta.label_lower, str(request.pk))))


def _open(link: str) -> Block:
    return blocks.button("Open in the browser", "open", url=link)
