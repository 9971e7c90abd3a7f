"""Who decides while somebody is away: a right that is lent, and therefore given by two."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.timezone import get_default_timezone, localtime

from approvals.actions import begin_absence
from approvals.models import Absence
from audit.context import current
from audit.database.clock import database_now
from tasks.access.rights import Right, tasks_for
from tasks.actions.changes.people import PeopleChange
from tasks.models import ApprovalRule, ProposedChange

if TYPE_CHECKING:
    from backoffice.models import User

LONGEST: Final = timedelta(days=90)


class Delegating(PeopleChange):
    """Somebody decides in the place of a person who is away."""

    @property
    def title(self) -> str:
        content = self.proposed_change.content
        return f"Let {content['delegate_name']} decide for {content['name']}, {self._days()}"

    @property
    def delegate(self) -> "User":
        """Who would stand in, as their row is now."""
        return get_user_model().objects.get(pk=self.proposed_change.content["delegate"])

    def may_propose(self, person: "User") -> bool:
        return person == self.person or super().may_propose(person)

    def gains(self) -> "set[User]":
        # Who is away has named somebody who decides as they would.
        return {self.person, self.delegate}

    def concerns(self, other: ProposedChange) -> bool:
        same = other.content.get("person") == self.proposed_change.content["person"]
        return same and other.kind == self.proposed_change.kind

    def facts(self) -> list[list[str]]:
        name, delegate = (self.proposed_change.content[each] for each in ("name", "delegate_name"))
        return [
            [
                "What happens next",
                f"{delegate} can decide requests for {name} that are made from now on and "
                "pending on these days. The first decision of the two counts. Nobody can decide their "
                "own request.",
            ],
            *self.gives(),
        ]

    def gives(self) -> list[list[str]]:
        decides = "\n".join(decided_by(self.person)) or "No rules yet"
        return [[f"What {self.proposed_change.content['name']} can decide", decides]]

    def rows(self) -> list[list[str]]:
        content = self.proposed_change.content
        who = f"{content['delegate_name']}, {self._days()}"
        return [[f"Decides on behalf of {content['name']}", "Nobody", who]]

    def check(self) -> None:
        person, delegate = self.person, self.delegate
        starts_at, ends_at = self._times()
        if person == delegate:
            raise ValidationError(
                {"delegate": "Choose another delegate: nobody can decide for themselves."}
            )
        if not (person.is_active and delegate.is_active):
            raise ValidationError({"delegate": "One of the two accounts is deactivated."})
        if ends_at <= database_now() or ends_at <= starts_at:
            raise ValidationError(
                {"until": "The last day is in the past, or before the first day."}
            )
        if ends_at - starts_at > LONGEST:
            too_long = f"Choose at most {LONGEST.days} days. For longer, change the groups or the"
            raise ValidationError({"until": f"{too_long} approval rules."})
        known = Absence.objects.filter(person=person, ended_at=None)
        for other in known.filter(starts_at__lt=ends_at, ends_at__gt=starts_at):
            raise ValidationError(
                {"delegate": f"{other} already applies on these days. End it first."}
            )

    def make(self) -> None:
        now = current()
        starts_at, ends_at = self._times()
        begin_absence(
            person=self.person,
            delegate=self.delegate,
            starts_at=starts_at,
            ends_at=ends_at,
            by=get_user_model().objects.get(pk=now.user_id or 0),
            door=now.door,
            reason=now.reason,
        )

    def _times(self) -> tuple[datetime, datetime]:
        content = self.proposed_change.content
        return datetime.fromisoformat(content["starts_at"]), datetime.fromisoformat(
            content["ends_at"]
        )

    def _days(self) -> str:
        starts_at, ends_at = self._times()
        return days_in_words(starts_at, ends_at)


def days_in_words(starts_at: datetime, ends_at: datetime) -> str:
    """“1 Dec 2026 to 12 Dec 2026”. `ends_at` is the first moment that is not meant any more."""
    zone = get_default_timezone()
    first, last = localtime(starts_at, zone), localtime(ends_at - timedelta(microseconds=1), zone)
    return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"


def decided_by(person: "User") -> list[str]:
    """“Credits above 100 (Issue account credit)”: rules under which this person is asked now."""
    rules = (
        ApprovalRule.objects.filter(ended_at=None)
        .select_related("task")
        .order_by("task__name", "pk")
    )
    named = rules.filter(Q(people=person) | Q(groups__user=person)).distinct()
    unnamed = rules.filter(people=None, groups=None, task__in=tasks_for(person, Right.APPROVE))
    return [f"{rule} ({rule.task})" for rule in [*named, *unnamed]]
