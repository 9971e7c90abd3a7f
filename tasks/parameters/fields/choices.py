"""Choices. A value that was not offered is refused without being repeated on the page."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError

from tasks.parameters.fields.base import TypedField
from tasks.parameters.types import Chosen
from tasks.parameters.widgets import boolean_input, checkboxes, select

YES_OR_NO = {"true": True, "on": True, "yes": True, "false": False, "no": False}


class YesNoField(TypedField):
    """A bool, or None where a person may leave it open."""

    def __init__(self, *, three_ways: bool, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=boolean_input(three_ways=three_ways), **kwargs)

    def parse(self, value: object) -> bool:
        """A bool. Raises ValidationError."""
        if isinstance(value, str):
            value = YES_OR_NO.get(value.strip().lower())
        if not isinstance(value, bool):
            raise ValidationError("Choose yes or no.", "yes_or_no")
        return value

    def prepare_value(self, value: object) -> object:
        """True, False or None, also for what was sent."""
        return YES_OR_NO.get(value.strip().lower()) if isinstance(value, str) else value


class ChoiceField(TypedField):
    """One of several values, found by the text that stands for it on the page."""

    default_error_messages = {"required": "Choose one."}

    def __init__(
        self,
        choices: Sequence[tuple[Any, str]],
        *,
        required: bool,
        blank: bool,
    ) -> None:
        self.values = {str(key_of(value)): value for value, _ in choices}
        self.labels = {str(key_of(value)): label for value, label in choices}
        empty = [("", "Choose one" if required else "No answer")] if blank else []
        super().__init__(
            widget=select([*empty, *self.labels.items()]),
            required=required,
        )

    def parse(self, value: object) -> Any:  # noqa: ANN401 -- the choices' own type
        """One of the values. Raises ValidationError."""
        key = key_of(value)
        if key is None or key not in self.values:
            raise ValidationError("Choose one from the list.", "choice")
        return self.values[key]

    def prepare_value(self, value: object) -> object:
        """The text that stands for the value on the page."""
        return None if value is None else key_of(value)


class OptionField(ChoiceField):
    """One of the texts that were offered to this person."""

    def __init__(self, options: Sequence[str | tuple[str, str]], **kwargs: Any) -> None:  # noqa: ANN401
        pairs = [_pair(option) for option in options]
        super().__init__([(Chosen(value, label), label) for value, label in pairs], **kwargs)


def _pair(option: object) -> tuple[str, str]:
    """Value and label. Raises TypeError for what an author's function should not have given."""
    pair = option if isinstance(option, tuple) else (option, option)
    if len(pair) == 2 and all(isinstance(text, str) for text in pair):
        return pair
    raise TypeError(f"options gave {option!r}. Give texts, or pairs of value and label.")


class SeveralField(TypedField):
    """A list of values, each once and in the order in which they are offered."""

    def __init__(
        self,
        one: ChoiceField,
        min_length: int | None,
        max_length: int | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.one = one
        self.min_length, self.max_length = min_length, max_length
        super().__init__(widget=checkboxes(list(one.labels.items())), **kwargs)
        self.error_messages["required"] = "Choose at least one."

    def to_python(self, value: object) -> list[Any] | None:
        """A list in the order of the choices, or None. Raises ValidationError."""
        if value is None or value in ("", [], ()):
            return None
        if not isinstance(value, (list, tuple)):
            raise ValidationError("Choose from the list.", "choice")
        chosen = [self.one.parse(each) for each in value]
        return [value for value in self.one.values.values() if value in chosen]

    def run_validators(self, value: Any) -> None:  # noqa: ANN401 -- list or None
        """How many."""
        count = len(value or [])
        if value is not None and count < (self.min_length or 0):
            raise ValidationError(f"Choose at least {self.min_length}.", "min_length")
        if self.max_length is not None and count > self.max_length:
            raise ValidationError(f"Choose at most {self.max_length}.", "max_length")

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 -- whatever was sent
        """The texts that stand for the values on the page."""
        if isinstance(value, (list, tuple)):
            return [self.one.prepare_value(each) for each in value]
        return value


def key_of(value: object) -> str | None:
    """The text that stands for a value on the page; None for what can be no choice."""
    value = getattr(value, "value", value)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    return None
