"""What a proposal can be about: each kind says what it is, who could agree to it, and how it is done."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models.functions import Now

from approvals.models import Absence
from tasks.access.administrators import administrators
from tasks.models import ProposedChange, Run

if TYPE_CHECKING:
    from django.contrib.auth.models import Group
    from django.db.models import QuerySet

    from backoffice.models import User


class Change(ABC):
    """One kind of change, of one proposal."""

    def __init__(self, proposed_change: ProposedChange) -> None:
        self.proposed_change = proposed_change

    @property
    @abstractmethod
    def title(self) -> str:
        """What is asked, as a line of the inbox."""

    @property
    @abstractmethod
    def about(self) -> str:
        """What is administered, as part of a sentence."""

    @abstractmethod
    def administrators(self) -> "QuerySet[User]":
        """The people who look after what it changes."""

    def may_propose(self, person: "User") -> bool:
        """Whether this person may, now."""
        return self.administrators().filter(pk=person.pk).exists()

    def could_agree(self) -> "QuerySet[User]":
        """Those of them who could agree to it, as things stand now: never who gains by it."""
        gains = self.gains()
        without = {self.proposed_change.proposed_by_id, *(person.pk for person in gains)}
        return self.administrators().exclude(pk__in=without | _delegates_of(gains))

    def gains(self) -> "set[User]":
        """The people to whom it gives something. Their delegates gain as well."""
        return set()

    def gives(self) -> list[list[str]]:
        """What it comes to give beyond its own words, as facts: the members of a group, say.

        It is kept with the proposal and sealed. When it is made, it has to be the same.
        """
        return []

    def concerns(self, other: ProposedChange) -> bool:
        """Whether another proposal is about the same thing, so that one of the two has to wait."""
        return other.rule_id is not None and other.rule_id == self.proposed_change.rule_id

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


class TaskChange(Change):
    """A change of one task."""

    def __init__(self, proposed_change: ProposedChange) -> None:
        super().__init__(proposed_change)
        if proposed_change.task is None:
            raise ValueError("This proposal is about no task.")
        self.task = proposed_change.task

    @property
    def about(self) -> str:
        return f"“{self.task}”"

    def administrators(self) -> "QuerySet[User]":
        return administrators(self.task)

    def could_agree(self) -> "QuerySet[User]":
        # Whoever waits for a run of the task could withdraw it, and ask anew under a laxer rule.
        waiting = Run.objects.filter(task=self.task, status=Run.Status.AWAITING_APPROVAL)
        return super().could_agree().exclude(pk__in=waiting.values("requested_by"))


def members_in_words(group: "Group") -> str:
    """“Bob Example (bob), Carol Example (carol, deactivated)”: everybody who is in a group now."""
    people = group.user_set.order_by("first_name", "last_name", "username")
    named = (
        f"{person} ({person.get_username()}{'' if person.is_active else ', deactivated'})"
        for person in people
    )
    return ", ".join(named) or "Nobody"


def _delegates_of(people: "Collection[User]") -> set[int]:
    known = Absence.objects.filter(person__in=people, ended_at=None, ends_at__gt=Now())
    return set(known.values_list("delegate", flat=True))
