"""Rows of history tables: which there are, which came before which, and what differs."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import models
from django.db.models import OuterRef, Subquery
from simple_history.models import registered_models
from simple_history.utils import get_history_model_for_model

if TYPE_CHECKING:
    from backoffice.models import User

EMPTY: Final[tuple[object, ...]] = (None, "", [], {})

type Field = models.Field[Any, Any]
type Version = Any  # a row of a history model, which simple_history makes without types
type Versions = Any  # such a model


class Step(NamedTuple):
    """One version of an object, and the version before it."""

    version: Version
    previous: Version | None


class Difference(NamedTuple):
    field: "Field"
    old: object
    new: object


def audited_models() -> list[type[models.Model]]:
    """Every model with `history = audited()`, by name."""
    found = {
        model
        for model in registered_models.values()
        if hasattr(model._meta, "simple_history_manager_attribute")
    }
    return sorted(found, key=lambda model: str(model._meta.verbose_name_plural))


def history_model_of(model: type[models.Model]) -> type[models.Model]:
    """
    Raises:
        simple_history.exceptions.NotHistoricalModelError: the model is not audited.
    """
    return get_history_model_for_model(model)  # type: ignore[no-any-return]


def versions(
    history_model: type[models.Model],
    *,
    person: "User | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> models.QuerySet[Any]:
    """The rows of a history table, each with `previous_id`. `until` itself is left out."""
    pk = _object_pk(history_model)
    earlier = history_model._base_manager.filter(
        **{pk: OuterRef(pk)}, history_id__lt=OuterRef("history_id")
    ).order_by("-history_id")
    rows = history_model._base_manager.annotate(
        previous_id=Subquery(earlier.values("history_id")[:1])
    )
    if person is not None:
        rows = rows.filter(history_user=person)
    if since is not None:
        rows = rows.filter(history_date__gte=since)
    if until is not None:
        rows = rows.filter(history_date__lt=until)
    return rows


def versions_of(instance: models.Model) -> models.QuerySet[Any]:
    """The rows of one object."""
    history_model = history_model_of(type(instance))
    return versions(history_model).filter(**{_object_pk(history_model): instance.pk})


def steps(rows: Sequence[Version]) -> list[Step]:
    """Put each row together with the one before it: at most one query for all of them."""
    known = {row.history_id: row for row in rows}
    missing = {row.previous_id for row in rows} - known.keys() - {None}
    if missing:
        known |= type(rows[0])._base_manager.in_bulk(missing)
    return [Step(row, known.get(row.previous_id)) for row in rows]


@cache
def tracked_fields(history_model: Versions) -> list["Field"]:
    """The fields of the object that its history keeps, but for its primary key."""
    return [field for field in history_model.tracked_fields if not field.primary_key]


def differences(step: Step) -> list[Difference]:
    """What this version changed. The first version of an object changes all that is not empty."""
    found = []
    for field in tracked_fields(step.version.__class__):
        new = getattr(step.version, field.attname)
        old = None if step.previous is None else getattr(step.previous, field.attname)
        if old != new and not (step.previous is None and new in EMPTY):
            found.append(Difference(field, old, new))
    return found


def _object_pk(history_model: Versions) -> str:
    return str(history_model.instance_type._meta.pk.attname)
