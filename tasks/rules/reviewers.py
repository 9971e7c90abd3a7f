"""Whom somebody asks, out of those who may approve what they ask for.

The rules say who may approve. Who asks can put it to some of them; never to anybody else, and never
to fewer than the rules need.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.template.defaultfilters import pluralize

from approvals.requests.policy import StageSpec, people_wanted, reviewers_for
from tasks.models import Task
from tasks.rules.evaluation import RuleSpec, rules_in_force
from tasks.rules.stages import stages_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from backoffice.models import User

type Pick = "User | Group"

GROUP: Final = "group"
PERSON: Final = "person"


class WrongReviewers(ValueError):
    """Those who were picked may not approve this, or are too few."""


@dataclass(frozen=True)
class Candidates:
    """Whom somebody can pick, for a task, before its values are known."""

    groups: Sequence[Group]
    people: "Sequence[User]"

    def choices(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """For a field of a form, groups first."""
        groups = [(key_of(group), str(group)) for group in self.groups]
        people = [(key_of(person), str(person)) for person in self.people]
        return [(name, found) for name, found in (("Groups", groups), ("People", people)) if found]

    def picked(self, keys: Iterable[str]) -> list[Pick]:
        """Those whom a form named. What it cannot have offered is left out."""
        wanted = set(keys)
        offered: list[Pick] = [*self.groups, *self.people]
        return [each for each in offered if key_of(each) in wanted]


def key_of(pick: Pick) -> str:
    return f"{GROUP if isinstance(pick, Group) else PERSON}-{pick.pk}"


def candidates(task: Task, person: "User") -> Candidates:
    """Everybody who could approve something of this task for this person, under any of its rules."""
    stages = stages_of(task, [RuleSpec.of(rule) for rule in rules_in_force(task)], person)
    people = _able(stages, person).order_by("first_name", "last_name", "username")
    named = {group.pk for stage in stages for group in stage.all_groups}
    groups = Group.objects.filter(pk__in=named, user__in=people).distinct().order_by("name")
    return Candidates(list(groups), list(people))


def narrowed(
    stages: Sequence[StageSpec], picks: Sequence[Pick], *, requested_by: "User"
) -> list[StageSpec]:
    """The stages, put to those who were picked. A stage of which nobody was picked asks everybody.

    Raises `WrongReviewers`.
    """
    if not picks:
        return list(stages)
    able = [set(_able([stage], requested_by)) for stage in stages]
    chosen = [people & _people_of(picks) for people in able]
    _each_may_approve(picks, set().union(*able))
    pairs = list(zip(stages, chosen, strict=True))
    for stage, few in pairs:
        if few:
            _must_suffice(f"“{stage.name}”", stage.needed, few)
    asked = [few or everybody for few, everybody in zip(chosen, able, strict=True)]
    _must_suffice("This", *people_wanted(stages, asked))
    return [replace(stage, only=sorted(few, key=str)) for stage, few in pairs]


def _able(stages: Iterable[StageSpec], person: "User") -> "QuerySet[User]":
    found = get_user_model().objects.none()
    for stage in stages:
        found |= stage.everybody(without=[person])
    return found.distinct()


def _people_of(picks: Iterable[Pick]) -> "set[User]":
    groups = [pick for pick in picks if isinstance(pick, Group)]
    people = [pick for pick in picks if not isinstance(pick, Group)]
    return set(reviewers_for(groups, people))


def _each_may_approve(picks: Iterable[Pick], able: "set[User]") -> None:
    for pick in picks:
        if not _people_of([pick]) & able:
            raise WrongReviewers(f"{pick} cannot approve this. Choose another reviewer, or none.")


def _must_suffice(what: str, needed: int, people: "set[User]") -> None:
    if len(people) < needed:
        raise WrongReviewers(
            f"{what} needs {needed} approval{pluralize(needed)}, and you selected {len(people)} "
            f"reviewer{pluralize(len(people))} who can approve. Select more reviewers, or none to "
            "notify all of them."
        )
