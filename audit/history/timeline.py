"""The history of objects as a list of changes for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import models

from audit.history.formatting import Wording, door_label, for_page
from audit.history.versions import Step, Version, differences, steps, versions, versions_of

if TYPE_CHECKING:
    from backoffice.models import User

PAGE: Final = 50
KINDS: Final = {"+": "created", "~": "changed", "-": "deleted"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """One version of an object: who made it, when, why, and what it changed."""

    at: datetime
    who: str
    door: str
    reason: str
    kind: str
    subject: str
    fields: list[FieldChange]
    history_id: int
    request_id: str


@dataclass(frozen=True, slots=True)
class RecentChanges:
    """Some changes, newest first. `before` asks for the next ones; None: there are no more."""

    changes: list[Change]
    before: int | None


def changes_of(instance: models.Model) -> list[Change]:
    """All that happened to one object, oldest first."""
    return _changes(list(versions_of(instance).order_by("history_id")))


def recent_changes_of(
    instance: models.Model, *, before: int | None = None, limit: int = PAGE
) -> RecentChanges:
    """What happened to one object, newest first."""
    return _page(versions_of(instance), before, limit)


def recent_changes(
    history_model: type[models.Model],
    *,
    person: "User | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> RecentChanges:
    """What happened to all objects of a kind, newest first. `until` itself is left out."""
    rows = versions(history_model, person=person, since=since, until=until)
    return _page(rows, before, limit)


def _page(rows: "models.QuerySet[Version]", before: int | None, limit: int) -> RecentChanges:
    if before is not None:
        rows = rows.filter(history_id__lt=before)
    # One more than is shown tells whether there are more, without counting them.
    found = list(rows.order_by("-history_id")[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    return RecentChanges(_changes(shown), shown[-1].history_id if more else None)


def _changes(rows: Sequence[Version]) -> list[Change]:
    found = steps(rows)
    wording = Wording(found, for_page)
    return [_change(step, wording) for step in found]


def _change(step: Step, wording: Wording[str]) -> Change:
    version = step.version
    return Change(
        at=version.history_date,
        who=version.history_actor_label,
        door=door_label(version.history_door),
        reason=version.history_change_reason or "",
        kind=KINDS[version.history_type],
        subject=wording.subject(version),
        fields=[
            FieldChange(wording.label(found.field), *wording.pair(found, version))
            for found in differences(step)
        ],
        history_id=version.history_id,
        request_id=version.history_request_id,
    )
