"""What a request is about, as it is now: facts and rows. The packages above say what."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from approvals.models import ApprovalRequest, Stage

if TYPE_CHECKING:
    from backoffice.models import User


@dataclass(frozen=True)
class Fact:
    """One line of the details."""

    label: str
    text: str


@dataclass(frozen=True)
class Table:
    """Many rows, of which the page shows the first ones.

    `whole` and `download` are the addresses of all of them: a page to search, and a form that sends
    a file.
    """

    label: str
    header: Sequence[str]
    first: Sequence[Sequence[str]]
    count: int
    totals: Sequence[str]
    whole: str
    download: str


type Part = Fact | Table
type Finder = Callable[[ApprovalRequest, Sequence[Stage], "User"], Iterable[Part]]
_finders: Final[dict[str, Finder]] = {}


@dataclass(frozen=True)
class Subject:
    """Everything that is known of what a request is about."""

    facts: Sequence[Fact]
    tables: Sequence[Table]


def add(name: str, finder: Finder) -> None:
    """A function that says what a request is about, of what a person may see."""
    _finders[name] = finder


def subject_of(request: ApprovalRequest, stages: Sequence[Stage], person: "User") -> Subject:
    """What all of them say, in the order in which they were added."""
    found = [part for finder in _finders.values() for part in finder(request, stages, person)]
    return Subject(
        [part for part in found if isinstance(part, Fact)],
        [part for part in found if isinstance(part, Table)],
    )
