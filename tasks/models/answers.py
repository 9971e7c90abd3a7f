"""The answers of steps as JSON that keeps their types: a date comes back as a date.

What JSON has no word for is written as {"__type__": "decimal", "value": "1.50"}.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

DEEPEST: Final = 50  # levels
LARGEST: Final = 4_000_000  # characters of JSON, as for a result
# What PostgreSQL cannot keep in JSON: NUL, and halves of a character.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "uuid": UUID,
}


class NotStorable(TypeError):
    """An answer that could not be given again as it is. The text says why."""


def as_json(answer: object) -> Any:  # noqa: ANN401 - JSON
    """The answer as plain JSON. Raises `NotStorable`."""
    plain = _plain(answer, DEEPEST)
    if (length := len(json.dumps(plain))) > LARGEST:
        raise NotStorable(
            f"it has {length:,} characters as JSON, and at most {LARGEST:,} are stored"
        )
    return plain


def from_json(plain: Any) -> Any:  # noqa: ANN401 - JSON
    """What `as_json` was given; lists and texts where that had tuples and other keys."""
    match plain:
        case {"__type__": str(kind), "value": str(text), **others} if not others:
            return plain if (read := _read(kind, text)) is None else read
        case dict():
            return {name: from_json(value) for name, value in plain.items()}
        case list():
            return [from_json(value) for value in plain]
    return plain


def _read(kind: str, text: str) -> object:
    """None for what was not written here."""
    try:
        return _READ[kind](text)
    except (LookupError, ValueError, ArithmeticError):
        return None


def stored_answer(answer: object) -> Any:  # noqa: ANN401 - whatever a step answers
    """The answer as each later attempt gets it, so that the first one gets the same. Raises `NotStorable`."""
    return from_json(as_json(answer))


class Encoder(json.JSONEncoder):
    """For the column: writes what `as_json` makes of an answer."""

    def encode(self, o: object) -> str:
        """JSON. Raises `NotStorable`."""
        return super().encode(as_json(o))


class Decoder(json.JSONDecoder):
    """For the column: gives back what was stored."""

    def decode(self, s: str, *arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """The answer."""
        return from_json(super().decode(s, *arguments))


def _plain(value: object, levels: int) -> Any:  # noqa: ANN401 - JSON
    if levels == 0:
        raise NotStorable(f"it is more than {DEEPEST} levels deep, or holds itself")
    match value:
        case Mapping():
            return {_key(k): _plain(v, levels - 1) for k, v in value.items()}
        case list() | tuple():
            return [_plain(each, levels - 1) for each in value]
        case str():
            return _text(value)
    return _number(value) if isinstance(value, int | float | None) else _typed(value)


def _number(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A number, or what JSON has a word for beside them."""
    if isinstance(value, float) and not math.isfinite(value):
        raise NotStorable(f"it holds {value}, which JSON has no word for")
    if value is None or isinstance(value, bool):
        return value
    return float(value) if isinstance(value, float) else int(value)  # of a member of an Enum


def _key(key: object) -> str:
    if isinstance(key, str):
        return _text(key)
    if not isinstance(key, int | float | None):
        raise NotStorable(f"it has a key of the type {type(key).__name__}")
    return json.dumps(key)


def _text(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", str.__str__(text))  # of a member of an Enum its value


def _typed(value: object) -> dict[str, str]:
    match value:
        case Decimal():
            return {"__type__": "decimal", "value": str(value)}
        case datetime():
            return {"__type__": "datetime", "value": value.isoformat()}
        case date():
            return {"__type__": "date", "value": value.isoformat()}
        case time():
            return {"__type__": "time", "value": value.isoformat()}
        case UUID():
            return {"__type__": "uuid", "value": str(value)}
    raise NotStorable(f"it holds a {type(value).__name__}, which JSON has no word for")
