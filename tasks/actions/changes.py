"""What a proposal can be about: each kind says what it is, what it changes, and how it is done."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from tasks.models import Proposal

if TYPE_CHECKING:
    from backoffice.models import User


class Change(ABC):
    """One kind of change, of one proposal."""

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal

    @property
    @abstractmethod
    def title(self) -> str:
        """What is asked, as a line of the inbox."""

    @abstractmethod
    def facts(self) -> list[list[str]]:
        """What whoever agrees has to know: label and text."""

    @abstractmethod
    def rows(self) -> list[list[str]]:
        """What changes: label, before and after."""

    def gains(self) -> "set[User]":
        """The people to whom it gives something. None of them agrees to it."""
        return set()

    def concerns(self, other: Proposal) -> bool:
        """Whether another proposal is about the same thing, so that one of the two has to wait."""
        return other.rule_id is not None and other.rule_id == self.proposal.rule_id

    @abstractmethod
    def check(self) -> None:
        """Raise `ValidationError`, in words, where it cannot be done as things stand.

        It is asked when it is proposed and again when it is made, and locks what it looks at.
        """

    @abstractmethod
    def make(self) -> None:
        """Do it, inside the transaction of the decision."""
