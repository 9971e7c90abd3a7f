"""UUIDs, JSON objects, lists of simple values, and a word that is typed to confirm."""

from datetime import date, time
from decimal import Decimal
from typing import Any, Final, get_args
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields.plain import (
    MOST,
    ConfirmField,
    JSONField,
    ListField,
    UUIDField,
    read,
    written,
)
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, fits, kind_of, shown
from tasks.parameters.kinds.choices import SeveralKind
from tasks.parameters.kinds.text import OptionKind, TextKind
from tasks.parameters.param import Param

SIMPLE: Final = (str, int, Decimal, date, time, UUID)


class UUIDKind(Kind):
    """`UUID`: in conditions, a text in small letters with its hyphens"""

    what = "a UUID"

    def field(self, asked: Asked) -> forms.Field:
        return UUIDField(required=asked.required)

    def accepts(self, value: object) -> bool:
        return isinstance(value, UUID)

    def freeze(self, value: UUID, keep: Keep) -> Json:
        return str(value)

    def thaw(self, frozen: Json, load: Load) -> UUID:
        try:
            return UUID(fits(frozen, str))
        except ValueError:
            raise DoesNotFit(f"{frozen!r} is no UUID.") from None

    def can_meet(self, part: str, value: object) -> bool:
        try:
            return isinstance(value, str) and str(UUID(value)) == value
        except ValueError:
            return False


class JSONKind(Kind):
    """`dict`: a JSON object, kept as its text; no part of any condition"""

    what = "a JSON object"
    rule_type = None

    def prepare(self) -> None:
        if get_args(self.hint) not in ((), (str, Any), (str, object)):
            raise DeclarationError(
                f"{shown(self.hint)} would not be checked: a JSON object can hold anything.",
                "Write dict, or a parameter for each of its values.",
            )

    def field(self, asked: Asked) -> forms.Field:
        return JSONField(required=asked.required)

    def note(self) -> str:
        return "A JSON object."

    def accepts(self, value: object) -> bool:
        try:
            return isinstance(value, dict) and read(written(value)) == value
        except ValidationError:
            return False

    def freeze(self, value: dict[str, Any], keep: Keep) -> Json:
        return {"json": written(value)}

    def thaw(self, frozen: Json, load: Load) -> object:
        try:
            return read(fits(fits(frozen, dict).get("json"), str))
        except ValidationError:
            raise DoesNotFit("What was stored is no JSON.") from None

    def text(self, frozen: Json) -> str:
        return fits(fits(frozen, dict).get("json"), str)


class ListKind(SeveralKind):
    """`list` of a simple type: one value in each line, in the order in which they stand there"""

    options = frozenset({"min_length", "max_length", "min", "max", "places", "pattern"})

    def field(self, asked: Asked) -> forms.Field:
        one = self.one.field(Asked(asked.person, asked.name, asked.label, required=True))
        return ListField(one, self.param.min_length, self.param.max_length, required=asked.required)

    def note(self) -> str:
        own = self.one.note()
        most = f"at most {self.param.max_length or MOST:,}"
        return f"One in each line, {most}.{' ' if own else ''}{own}"

    def check_default(self, value: object) -> None:
        """Raises ValidationError when one of the values breaks the rules, or there are too few."""
        self.field(Asked(person=None, name="", label="", required=False)).clean(value)

    def can_be(self, value: object) -> bool:
        return False

    def _inner(self) -> Kind:
        (inner,) = get_args(self.hint)
        given = {name: getattr(self.param, name) for name in ("min", "max", "places", "pattern")}
        return kind_of(inner, Param(**given))


class ConfirmKind(TextKind):
    """`str` with `Confirm("DELETE")`: typed anew each time, and no part of any condition"""

    what = "a typed confirmation"
    options = frozenset({"confirm"})
    can_be_filled_in = False
    rule_type = None

    def prepare(self) -> None:
        word = self.param.confirm
        if word != word.strip() or not word.isprintable() or len(word) > 40:
            raise DeclarationError(
                f"{word!r} cannot be typed to confirm.",
                'Write a short word without spaces around it: Confirm("DELETE").',
            )

    def field(self, asked: Asked) -> forms.Field:
        return ConfirmField(self.param.confirm, required=asked.required)

    def note(self) -> str:
        return f"Type {self.param.confirm} to confirm."

    def accepts(self, value: object) -> bool:
        return False  # a default would confirm for a person

    def can_be(self, value: object) -> bool:
        return False

    def thaw(self, frozen: Json, load: Load) -> str:
        if frozen != self.param.confirm:
            raise DoesNotFit("Another word is typed to confirm this by now. Request it again.")
        return fits(frozen, str)


def text_kind(hint: Any, param: Param) -> Kind:  # noqa: ANN401 -- called as a Kind is
    """A plain text, one chosen from options, or a word to confirm."""
    if param.confirm:
        return ConfirmKind(hint, param)
    return (TextKind if param.options is None else OptionKind)(hint, param)


def list_kind(hint: Any, param: Param) -> Kind:  # noqa: ANN401 -- called as a Kind is
    """A list of choices, or of simple values."""
    (inner,) = get_args(hint) or (None,)
    is_simple = inner in SIMPLE and param.options is None
    return (ListKind if is_simple else SeveralKind)(hint, param)
