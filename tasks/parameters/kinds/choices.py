"""Yes or no, one of several, several of several. What people read differs from the value."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import rule_engine
from django import forms

from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields import ChoiceField, SeveralField, YesNoField
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, RuleType, fits
from tasks.parameters.kinds.text import OptionKind, check_lengths
from tasks.parameters.param import Param
from tasks.parameters.words import words

EXAMPLE = 'Write Literal["email", "phone"], or an Enum whose values are texts.'


class YesNoKind(Kind):
    """`bool`: a tick, or with `bool | None` a choice of yes, no and nothing"""

    what = "a yes or no"
    rule_type = rule_engine.DataType.BOOLEAN

    def field(self, asked: Asked) -> forms.Field:
        return YesNoField(three_ways=asked.optional, required=False)

    def accepts(self, value: object) -> bool:
        return isinstance(value, bool)

    def can_be(self, value: object) -> bool:
        return self.accepts(value)

    def freeze(self, value: bool, keep: Keep) -> Json:
        return bool(value)

    def thaw(self, frozen: Json, load: Load) -> bool:
        return fits(frozen, bool)

    def text(self, frozen: Json) -> str:
        return "Yes" if frozen else "No"


class ChoiceKind(Kind):
    """`Literal` and `Enum`: stored and compared as the value, shown as the label"""

    what = "a choice"
    options = frozenset({"labels"})

    def prepare(self) -> None:
        self.members = tuple(_members(self.hint))
        values = [plain(member) for member in self.members]
        if not values or len({type(v) for v in values}) > 1 or type(values[0]) not in (str, int):
            raise DeclarationError(
                f"The choices {values} are not all texts, or all whole numbers.", EXAMPLE
            )
        self.rule_type = rule_type_of(values[0])
        self.labels = self._labels()

    def field(self, asked: Asked) -> forms.Field:
        return ChoiceField(self.choices(), required=asked.required, blank=asked.blank)

    def choices(self) -> list[tuple[Any, str]]:
        """Members and labels, in the order of the declaration."""
        return [(member, self.labels[plain(member)]) for member in self.members]

    def accepts(self, value: object) -> bool:
        return any(type(value) is type(m) and value == m for m in self.members)

    def can_be(self, value: object) -> bool:
        return plain(value) in [plain(m) for m in self.members]

    def rule_options(self, part: str) -> Sequence[object]:
        return [plain(member) for member in self.members]

    def freeze(self, value: Any, keep: Keep) -> Json:  # noqa: ANN401 -- text, number or Enum
        frozen: Json = plain(value)
        return frozen

    def thaw(self, frozen: Json, load: Load) -> object:
        for member in self.members:
            if type(frozen) is type(plain(member)) and frozen == plain(member):
                return member
        raise DoesNotFit(f"“{frozen}” is no longer an option. Request the run again.")

    def text(self, frozen: Json) -> str:
        return self.labels.get(frozen, str(frozen))

    def _labels(self) -> dict[Any, str]:
        given = {plain(key): label for key, label in self.param.labels.items()}
        labels = {plain(m): given.pop(plain(m), _own_label(m)) for m in self.members}
        if given:
            raise DeclarationError(
                f"labels names {', '.join(map(repr, given))}, which can not be chosen.",
                f"The choices are {', '.join(map(repr, labels))}.",
            )
        return labels


class SeveralKind(Kind):
    """`list` of a Literal or an Enum, or of texts with options; in the order of the choices"""

    what = "a list"
    options = frozenset({"labels", "options", "min_length", "max_length"})

    def prepare(self) -> None:
        check_lengths(self.param.min_length, self.param.max_length)
        self.one = self._inner()
        self.rule_type = rule_engine.DataType.ARRAY(self.one.rule_type)

    def field(self, asked: Asked) -> forms.Field:
        one = self.one.field(asked)
        if not isinstance(one, ChoiceField):
            raise TypeError("A list needs a kind that offers choices.")
        return SeveralField(
            one, self.param.min_length, self.param.max_length, required=asked.required
        )

    def accepts(self, value: object) -> bool:
        return isinstance(value, list) and all(self.one.accepts(each) for each in value)

    def can_be(self, value: object) -> bool:
        return self.one.can_be(value)

    def rule_options(self, part: str) -> Sequence[object] | None:
        return self.one.rule_options(part)

    def empty(self, default: list[Any]) -> list[Any]:
        return default if self.param.min_length else []

    def freeze(self, value: Sequence[Any], keep: Keep) -> Json:
        return [self.one.freeze(each, keep) for each in value]

    def thaw(self, frozen: Json, load: Load) -> list[object]:
        return [self.one.thaw(each, load) for each in fits(frozen, list)]

    def text(self, frozen: Json) -> str:
        return ", ".join(self.one.text(each) for each in fits(frozen, list))

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        if frozen is None:
            return {name: None}
        return {name: tuple(self.one.rule_values("", each)[""] for each in fits(frozen, list))}

    def check_default(self, value: object) -> None:
        """The members were looked at by `accepts`."""

    def _inner(self) -> Kind:
        (inner,) = get_args(self.hint) or (None,)
        param = Param(labels=self.param.labels, options=self.param.options)
        if get_origin(inner) is Literal or (isinstance(inner, type) and issubclass(inner, Enum)):
            return ChoiceKind(inner, param)
        if inner is str and self.param.options is not None:
            return OptionKind(inner, param)
        raise DeclarationError(
            "A list can hold only things that are chosen from a list of choices.",
            'Write list[Literal["email", "phone"]], a list of an Enum, or list[str] with options.',
        )


def plain(value: Any) -> Any:  # noqa: ANN401 -- text, number or Enum
    """The value of an Enum's member, any other value as it is."""
    return value.value if isinstance(value, Enum) else value


def rule_type_of(value: object) -> RuleType:
    """What a condition sees of a choice."""
    return rule_engine.DataType.FLOAT if isinstance(value, int) else rule_engine.DataType.STRING


def _members(hint: Any) -> Iterable[Any]:  # noqa: ANN401 -- a type hint is anything
    return get_args(hint) if get_origin(hint) is Literal else hint


def _own_label(member: Any) -> str:  # noqa: ANN401 -- text, number or Enum
    label: str | Callable[[], str] | None = getattr(member, "label", None)
    if isinstance(member, Enum):
        # Django's choices have labels; they may be lazy translations.
        return str(label) if label is not None else words(member.name.lower())
    return words(member) if isinstance(member, str) else str(member)
