"""UUIDs, JSON, lists of simple values, and a word that is typed to confirm."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from audit.texts.hidden import with_hidden_characters_shown
from tasks.parameters.fields.base import TypedField
from tasks.parameters.fields.text import refuse_hidden_characters
from tasks.parameters.widgets import text_input

HEX: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
MOST: Final = 1_000  # values of a list, where its author sets no max_length
LONGEST_JSON: Final = 20_000  # characters
DEEPEST: Final = 20
MOST_FAULTS: Final = 10  # are said at once


class UUIDField(TypedField):
    """A UUID."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=text_input(long=False), **kwargs)

    def parse(self, value: object) -> UUID:
        """A UUID. Raises ValidationError."""
        if isinstance(value, UUID):
            return value
        if isinstance(value, str) and HEX.fullmatch(text := value.strip().lower()):
            return UUID(text)
        raise ValidationError("Enter an ID like 123e4567-e89b-12d3-a456-426614174000.", "uuid")


class ConfirmField(TypedField):
    """A word that a person types to show that they mean it, in these very letters."""

    def __init__(self, word: str, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=text_input(long=False), **kwargs)
        self.word = word
        self.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.error_messages["required"] = f"Type {word} to confirm."

    def parse(self, value: object) -> str:
        """The word. Raises ValidationError."""
        if isinstance(value, str) and value.strip() == self.word:
            return self.word
        raise ValidationError(f"Type {self.word} to confirm, in these very letters.", "confirm")


class JSONField(TypedField):
    """A JSON object as a dict. Numbers with a point or an exponent are Decimal, nothing is a float."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=text_input(long=True), **kwargs)
        self.widget.attrs["spellcheck"] = "false"

    def parse(self, value: object) -> dict[str, Any]:
        """A dict. Raises ValidationError."""
        text = value if isinstance(value, str) else written(value)
        if len(text) > LONGEST_JSON:
            raise ValidationError(f"Enter at most {LONGEST_JSON:,} characters.", "max_length")
        found = read(text)
        if not isinstance(found, dict):
            raise ValidationError('Enter a JSON object, such as {"plan": "pro"}.', "json")
        written(found)  # what is nested too deeply to be shown is refused now
        return found

    def prepare_value(self, value: object) -> object:
        """The text of it."""
        return written(value) if isinstance(value, dict) else value


class ListField(TypedField):
    """Several values of one kind: one in each line, or a list of them."""

    def __init__(
        self,
        one: forms.Field,
        min_length: int | None,
        max_length: int | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(widget=text_input(long=True), **kwargs)
        self.one, self.least, self.most = one, min_length or 0, max_length or MOST

    def to_python(self, value: object) -> list[Any] | None:
        """A list, or None for an empty one. Raises ValidationError, which names each line with a fault."""
        if isinstance(value, str):
            value = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if value is None or value == []:
            return None
        if not isinstance(value, list):
            raise ValidationError("Enter one value in each line.", "list")
        lines = [(n, each) for n, each in enumerate(value, 1) if each not in ("", None)]
        lines = [(n, each) for n, each in lines if not isinstance(each, str) or each.strip()]
        if len(lines) > self.most:
            raise ValidationError(
                f"Enter at most {self.most:,}. You entered {len(lines):,}.", "max"
            )
        return self._typed(lines) or None

    def _typed(self, lines: Iterable[tuple[int, object]]) -> list[Any]:
        typed, faults = [], []
        for number, each in lines:
            try:
                typed.append(self.one.clean(each))
            except ValidationError as error:
                shown = with_hidden_characters_shown(str(each)[:60])
                faults.append(f"Line {number}, “{shown}”: {' '.join(error.messages)}")
        if faults:
            more = len(faults) - MOST_FAULTS
            raise ValidationError(
                faults[:MOST_FAULTS] + ([f"And {more:,} more."] if more > 0 else [])
            )
        return typed

    def run_validators(self, value: Any) -> None:  # noqa: ANN401 -- list or None
        """How many. Their own rules were looked at one by one."""
        if value is not None and len(value) < self.least:
            raise ValidationError(f"Enter at least {self.least}, one in each line.", "min_length")

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 -- whatever was sent
        """One in each line."""
        if isinstance(value, list):
            return "\n".join(str(self.one.prepare_value(each)) for each in value)
        return value


def read(text: str) -> object:
    """What a JSON text says, exactly. Raises ValidationError for what could be read in two ways."""
    refuse_hidden_characters(text.replace("\r\n", "\n"), long=True)
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_each_name_once,
        )
    except json.JSONDecodeError as error:
        raise ValidationError(
            f"This is no JSON: line {error.lineno}, column {error.colno}: {error.msg}.", "json"
        ) from error
    except RecursionError:
        raise ValidationError("This is nested too deeply.", "json") from None


def written(value: object, depth: int = 0) -> str:
    """The JSON of what `read` gives, which it reads as the same again. Raises ValidationError."""
    if depth > DEEPEST:
        raise ValidationError("This is nested too deeply.", "json")
    if isinstance(value, Decimal) and value.is_finite():
        return str(value) if "." in str(value) or "E" in str(value) else f"{value}.0"
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        pairs = (f"{_text(name)}: {written(each, depth + 1)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(each, depth + 1) for each in value)}]"
    if value is None or isinstance(value, (str, bool, int)):
        return _text(value)
    raise ValidationError("Enter JSON of texts, numbers, yes or no, lists and objects.", "json")


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _no_constant(name: str) -> object:
    raise ValidationError(f"{name} is no number of JSON.", "json")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, _ in pairs if sum(n == name for n, _ in pairs) > 1)
        raise ValidationError(f"The name “{twice}” stands in it twice.", "json")
    return found
