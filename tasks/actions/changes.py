"""What a proposal can be about: each kind says what it is, what it changes, and how it is done."""

from abc import ABC, abstractmethod

from tasks.models import Proposal


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

    @abstractmethod
    def check(self) -> None:
        """Raise `ValidationError`, in words, where it cannot be done as things stand.

        It is asked when it is proposed and again when it is made, and locks what it looks at.
        """

    @abstractmethod
    def make(self) -> None:
        """Do it, inside the transaction of the decision."""
