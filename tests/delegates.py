"""Absences that a test finds agreed to: by somebody who has always looked after people alone."""

from datetime import timedelta

from approvals.models import Absence
from audit.context import Door
from audit.database.clock import database_now
from backoffice.models import User
from tasks.actions import propose_delegate


def stand_in(
    delegate: User, *, for_: User, by: User, after: timedelta = timedelta(), days: int = 7
) -> Absence:
    """`for_` is away `after` that time from now, for so many days."""
    starts_at = database_now() + after
    proposed_change = propose_delegate(
        for_,
        delegate,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=days),
        by=by,
        door=Door.ADMIN,
        reason="On holiday",
    )
    assert proposed_change.applied_at, "It waits for another administrator."
    return Absence.objects.latest("pk")
