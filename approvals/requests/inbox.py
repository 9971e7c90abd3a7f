"""The lists of the inbox: what waits for a person, what they asked for, what is decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import ApprovalRequest, Decision, Notification, Reviewer
from approvals.requests.outdated import why_outdated
from approvals.requests.policy import to_decide, visible_to
from approvals.requests.quorum import reviewers_by_request
from approvals.requests.review_state import ReviewState

if TYPE_CHECKING:
    from backoffice.models import User

Status = ApprovalRequest.Status
type Requests = QuerySet[ApprovalRequest]

BADGES: Final = {
    Status.PENDING: "waiting",
    Status.APPROVED: "good",
    Status.REJECTED: "bad",
    Status.RETURNED: "waiting",
    Status.WITHDRAWN: "quiet",
    Status.EXPIRED: "quiet",
    Status.STALE: "waiting",
}


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    find: "Callable[[User], Requests]"
    empty: str
    hint: str


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    request: ApprovalRequest
    status: str
    badge: str
    stage: str
    in_place_of: "User | None" = None  # for whom this person would decide it
    outdated: str = ""

    @property
    def amount(self) -> dict[str, str] | None:
        """What it is about, in money: the amount and its currency."""
        found: dict[str, str] | None = self.request.shown.get("amount")
        return found

    @property
    def alike(self) -> str:
        """What it can be approved together with; see `alike`."""
        return alike(self.request)


def tabs_for(person: "User") -> list[Tab]:
    """The lists this person has. The first one is shown unasked."""
    return [*TABS, EVERYTHING] if person.has_perm("audit.view_everything") else [*TABS]


def unread(person: "User") -> int:
    """How many notices this person has not opened."""
    return Notification.objects.filter(person=person, read_at=None).count()


def waiting_count(person: "User") -> int:
    """How many requests this person can decide now. News is counted on its own tab."""
    return to_decide(person).count()


def rows(requests: Requests, person: "User", *, now: datetime) -> list[Row]:
    """Lines for these requests, as this person sees them, at a constant number of queries."""
    asked = requests.select_related("requested_by").prefetch_related("stages", "decisions")
    found = list(asked)
    places = reviewers_by_request(person, found)
    outdated = why_outdated(found)
    return [
        replace(
            _row(request, places.get(request.pk, []), now),
            outdated=outdated.get(request.pk, ""),
        )
        for request in found
    ]


def status_of(request: ApprovalRequest, *, now: datetime) -> tuple[str, str]:
    """The word for a request's state, and the kind of badge it stands in."""
    status = Status(request.status)
    if status == Status.PENDING and request.expires_at <= now:
        # Its time is over, and the worker that closes it has not come by yet.
        status = Status.EXPIRED
    return str(status.label), BADGES[status]


def _row(request: ApprovalRequest, places: Sequence[Reviewer], now: datetime) -> Row:
    status, badge = status_of(request, now=now)
    review = ReviewState.of(request)
    stage = review.open_stage()
    if stage is None or request.status != Status.PENDING:
        return Row(request, status, badge, "")
    agreed = f"{stage.name} · {review.approvals(stage)} of {stage.needed}"
    free = review.available(stage, places)
    return Row(request, status, badge, agreed, free[0].on_behalf_of if free else None)


def alike(request: ApprovalRequest) -> str:
    """What requests share that can be approved together: their task. Empty for one that stands alone.

    Requests for runs of a task say what everybody may read of them; changes, checkpoints and reviews
    of emergencies do not, and are decided one by one.
    """
    return str(request.shown.get("task", "")) if "public" in request.shown else ""


def with_words(requests: Requests, words: str) -> Requests:
    """Those with each of the words in their title or in the name of their task."""
    for word in words.split():
        requests = requests.filter(Q(title__icontains=word) | Q(shown__task__icontains=word))
    return requests


def _to_decide(person: "User") -> Requests:
    return to_decide(person).order_by("opened_at", "pk")


def _mine(person: "User") -> Requests:
    return ApprovalRequest.objects.filter(requested_by=person).order_by("-opened_at", "-pk")


def _done(person: "User") -> Requests:
    decided = Decision.objects.filter(request=OuterRef("pk"), decided_by=person)
    over = ~Q(status=Status.PENDING) | Exists(decided)
    return visible_to(person).filter(over).order_by("-opened_at", "-pk")


def _everything(person: "User") -> Requests:
    return visible_to(person).order_by("-opened_at", "-pk")


TABS: Final = (
    Tab(
        "decide",
        "Needs your review",
        _to_decide,
        "Nothing needs your review.",
        "Requests that you can decide appear here.",
    ),
    Tab(
        "mine",
        "Your requests",
        _mine,
        "You have no requests yet.",
        "Your requests that need approval appear here.",
    ),
    Tab(
        "done",
        "Done",
        _done,
        "Nothing is done yet.",
        "Requests that you decided, or that are closed, appear here.",
    ),
)
EVERYTHING: Final = Tab(
    "everything",
    "All requests",
    _everything,
    "There are no requests yet.",
    "You can see the requests of everybody, because you can view the audit log.",
)
