"""One class for each kind of parameter. `register_kind` adds another."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal
from uuid import UUID

from django.db import models

from tasks.parameters.kinds.base import Asked, Keep, Kind, Load, kind_of, register_kind
from tasks.parameters.kinds.choices import ChoiceKind, YesNoKind
from tasks.parameters.kinds.dates import DateKind, DateTimeKind
from tasks.parameters.kinds.files import FileKind
from tasks.parameters.kinds.numbers import DecimalKind, MoneyKind, WholeKind
from tasks.parameters.kinds.objects import ObjectKind
from tasks.parameters.kinds.plain import JSONKind, UUIDKind, list_kind, text_kind
from tasks.parameters.kinds.rows import RowsKind
from tasks.parameters.kinds.text import SecretKind
from tasks.parameters.kinds.times import LengthKind, TimeKind
from tasks.parameters.rows import Rows
from tasks.parameters.types import File, Money, Secret

__all__ = ["Asked", "Keep", "Kind", "Load", "kind_of", "register_kind"]

register_kind(str, text_kind)
register_kind(int, WholeKind)
register_kind(Decimal, DecimalKind)
register_kind(Money, MoneyKind)
register_kind(bool, YesNoKind)
register_kind(date, DateKind)
register_kind(datetime, DateTimeKind)
register_kind(time, TimeKind)
register_kind(timedelta, LengthKind)
register_kind(UUID, UUIDKind)
register_kind(dict, JSONKind)
register_kind(File, FileKind)
register_kind(Rows, RowsKind)
register_kind(Secret, SecretKind)
register_kind(Literal, ChoiceKind)
register_kind(list, list_kind)
register_kind(Enum, ChoiceKind, subclasses=True)
register_kind(models.Model, ObjectKind, subclasses=True)
