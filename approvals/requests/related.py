"""What else is going on about the thing that a request is about. The packages above say what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from approvals.models import ApprovalRequest

if TYPE_CHECKING:
    from backoffice.models import User


@dataclass(frozen=True)
class Related:
    """One other thing, for the page of a request. `address` is the name of its page in the admin."""

    address: str
    pk: object
    what: str
    who: str
    status: str
    tone: str
    at: datetime


type Finder = Callable[[ApprovalRequest, "User"], Sequence[Related]]
_finders: Final[dict[str, Finder]] = {}


def add(name: str, finder: Finder) -> None:
    """A function that finds what is related to a request, of what a person may see."""
    _finders[name] = finder


def related_to(request: ApprovalRequest, person: "User") -> list[Related]:
    """Everything that is known to be related to a request, newest first."""
    found = [each for finder in _finders.values() for each in finder(request, person)]
    return sorted(found, key=lambda each: each.at, reverse=True)
