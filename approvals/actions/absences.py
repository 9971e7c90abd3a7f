"""Who stands in for whom while they are away: begun when it was agreed to, and ended by one person."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

from approvals.models import Absence
from approvals.notifications.notify import notify
from audit.database.clock import database_now
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User


class NotTheirAbsence(Refusal):
    """Somebody whom an absence does not concern tried to end it."""


class AbsenceOver(Refusal):
    """The absence has ended already."""


def begin_absence(  # noqa: PLR0913 - who for whom, from when to when, by whom and why
    *,
    person: "User",
    delegate: "User",
    starts_at: datetime,
    ends_at: datetime,
    by: "User",
    door: str,
    reason: str = "",
) -> Absence:
    """Let `delegate` decide in the place of `person` what is asked from now on, between these times.

    The database lets in what was proposed and agreed to, and nothing else: see
    `tasks.actions.propose_delegate`.
    """
    with transition(by=by, door=door, subject=person, reason=reason):
        absence = Absence.objects.create(
            person=person, delegate=delegate, starts_at=starts_at, ends_at=ends_at
        )
        notify([person, delegate], event="delegate", subject=absence, text=f"Approved: {absence}")
    return absence


def end_absence(absence_id: int, *, by: "User", door: str, reason: str = "") -> Absence:
    """End it before its time. What the deputy agreed to, and has not been done yet, does not count.

    Raises `NotTheirAbsence` unless `by` is away, stands in, or may change people; `AbsenceOver`.
    """
    with transition(by=by, door=door, reason=reason):
        absences = Absence.objects.select_for_update(of=("self",)).select_related(
            "person", "delegate"
        )
        absence = absences.get(pk=absence_id)
        if not _may_end(absence, by):
            raise NotTheirAbsence(
                "Only the person who is out of office, their delegate or an administrator can end it."
            )
        if absence.ended_at or absence.ends_at <= database_now():
            raise AbsenceOver(f"It has already ended: {absence}.")
        absence.ended_at = database_now()
        absence.save(update_fields=["ended_at"])
        people = [absence.person, absence.delegate]
        notify(
            people,
            event="delegate",
            subject=absence,
            text=f"Ended early: {absence}",
            occurrence="end",
        )
    return absence


def _may_end(absence: Absence, person: "User") -> bool:
    """Whether this person may end it: it only takes something away."""
    if person.pk in (absence.person_id, absence.delegate_id):
        return True
    kind = get_user_model()._meta
    return person.has_perm(f"{kind.app_label}.change_{kind.model_name}")
