"""Stages that are put to whoever holds a right. What a right is, the package above us says.

A stage keeps the right and not who held it when it was opened: it is asked of the rows again each
time, as membership of a group is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.contrib.auth.models import Group
from django.db.models import OuterRef, Q

if TYPE_CHECKING:
    from approvals.models import Stage
    from backoffice.models import User


@dataclass(frozen=True)
class Held:
    """A right on one thing, by name and key, and who holds it now: groups, and people by name."""

    right: str
    on: int
    groups: Sequence[Group] = ()
    people: Sequence["User"] = ()


class Rights(Protocol):
    """What is known above of rights."""

    def held_in_stage(self, person: OuterRef) -> Q:
        """Of a reviewer's row: whether this person holds the right of its stage now."""

    def groups_of(self, stage: "Stage") -> list[Group]:
        """The groups that hold the right of this stage now."""

    def in_words(self, right: str) -> str:
        """Who is meant, for people: “everybody who can approve it”."""


_known: list[Rights] = []


def use(rights: Rights) -> None:
    """Ask this about rights from now on."""
    _known[:] = [rights]


def held_in_stage(person: OuterRef) -> Q:
    """Whether this person holds the right of a reviewer's stage. Where nobody knows, nobody does."""
    held = [rights.held_in_stage(person) for rights in _known]
    return held[0] if held else Q(pk__in=[])


def groups_of(stage: "Stage") -> list[Group]:
    """The groups that a stage asks: those it names, and those that hold its right now."""
    found = list(stage.groups.all())
    if stage.right_held:
        found += [g for rights in _known for g in rights.groups_of(stage) if g not in found]
    return found


def in_words(right: str) -> list[str]:
    """Who is meant by this right; nothing where there is none."""
    return [rights.in_words(right) for rights in _known] if right else []
