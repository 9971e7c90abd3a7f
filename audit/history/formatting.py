"""Values of fields as people read them: names for ids, labels for choices, Yes for True."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from audit.context import Door
from audit.history.versions import Difference, Field, Step, Version, Versions, tracked_fields

MASK: Final = "••••••"
_A_WEEK: Final = timedelta(days=7)
_LESSER: Final = re.compile(r", .*?(?= ago$| from now$)")  # “1 day, 2 hours ago”
_DOORS: Final = {door.value: str(door.label) for door in Door}


def for_page(value: object) -> str:
    """A plain value on a page, with times in the local zone."""
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "j M Y, H:i:s T")
    if isinstance(value, date):
        return date_format(value, "j M Y")
    return _text(value)


def exactly(moment: datetime) -> str:
    """“3 Nov 2026, 14:03:21 UTC”, in the local zone."""
    return date_format(timezone.localtime(moment), "j M Y, H:i:s T")


def relative(moment: datetime) -> str:
    """“just now”, “3 hours ago”, and the day for what is more than a week old."""
    age = timezone.now() - moment
    if timedelta(0) <= age < timedelta(minutes=1):
        return "just now"
    if age > _A_WEEK:
        return date_format(timezone.localtime(moment), "j M Y")
    return _LESSER.sub("", str(naturaltime(moment)).replace("\xa0", " "))


def for_file(value: object) -> object:
    """A plain value in a file for programs: numbers stay numbers, times are in UTC."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return utc(value)
    return _text(value)


def utc(moment: datetime) -> str:
    """ISO 8601 with a Z, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def door_label(door: str) -> str:
    """How people call a door; one that this version no longer knows keeps its name."""
    return _DOORS.get(door, door)


def flat(value: object, name: str = "") -> str:
    """JSON as one readable line: `amount: 150.00, customer.name: Ada`."""
    if isinstance(value, Mapping):
        return ", ".join(
            text for key, item in value.items() if (text := flat(item, f"{name}.{key}".strip(".")))
        )
    if isinstance(value, list | tuple):
        return _named(name, ", ".join(flat(item) for item in value))
    return _named(name, _scalar(value))


class Wording[Text]:
    """Words for the steps it is given, at a cost of one query for each related model."""

    def __init__(self, steps: Iterable[Step], plain: Callable[[object], Text]) -> None:
        self._plain = plain
        rows = [row for step in steps for row in step if row is not None]
        self._related = _related_objects(rows)
        self._labels: dict[Field, str] = {}

    def label(self, field: "Field") -> str:
        """What people call a field. Kept, because looking up its translation takes long."""
        if field not in self._labels:
            self._labels[field] = str(capfirst(field.verbose_name))
        return self._labels[field]

    def pair(self, difference: Difference, version: Version) -> tuple[Text | str, Text | str]:
        """The old and the new value of a field."""
        field, old, new = difference
        masked = field.name in getattr(version.instance_type, "audit_masked", ())
        return self._value(field, old, masked), self._value(field, new, masked)

    def subject(self, version: Version) -> str:
        """The object's name as it was in this version."""
        instance = version.history_object
        for field in _foreign_keys(version.__class__):
            # Also when nothing was found: asking again would cost a query for each row.
            target = self._related.get(_key(field, getattr(version, field.attname)))
            field.set_cached_value(instance, target)
        return _name(instance)

    def _value(self, field: "Field", value: object, masked: bool) -> Text | str:
        if value is None:
            return ""
        if masked:
            return MASK
        if isinstance(field, models.ForeignKey):
            target = self._related.get(_key(field, value))
            return f"{value} (no longer exists)" if target is None else _name(target)
        if field.flatchoices:
            return str(dict(field.flatchoices).get(value, value))
        return self._plain(value)


type _Key = tuple[type[models.Model], object]


def _key(field: models.ForeignKey[Any, Any], value: object) -> _Key:
    return field.related_model, value


@cache
def _foreign_keys(history_model: Versions) -> list[models.ForeignKey[Any, Any]]:
    fields = tracked_fields(history_model)
    return [field for field in fields if isinstance(field, models.ForeignKey)]


def _related_objects(rows: list[Version]) -> dict[_Key, models.Model]:
    wanted: dict[type[models.Model], set[object]] = {}
    for row in rows:
        for field in _foreign_keys(row.__class__):
            model, value = _key(field, getattr(row, field.attname))
            wanted.setdefault(model, set()).add(value)
    return {
        (model, pk): found
        for model, pks in wanted.items()
        for pk, found in _with_relations(model).in_bulk(pks - {None}).items()
    }


def _with_relations(model: type[models.Model]) -> models.QuerySet[models.Model]:
    """Together with what its rows point to, because their names often contain those names."""
    relations = [field.name for field in model._meta.fields if isinstance(field, models.ForeignKey)]
    rows = model._base_manager.all()
    return rows.select_related(*relations) if relations else rows


def _name(instance: models.Model) -> str:
    try:
        return str(instance)
    except (ObjectDoesNotExist, AttributeError):
        # Its name contains the name of something that is not there any more.
        return f"{capfirst(instance._meta.verbose_name)} {instance.pk}"


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return f"{len(value)} bytes"
    return flat(value)


def _scalar(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _named(name: str, text: str) -> str:
    return f"{name}: {text}" if name and text else text
