"""One text for one value, and its fingerprint: what was shown is what is decided and what runs."""

import hashlib
import json
from collections.abc import Mapping, Sequence

type Json = str | int | bool | Sequence[Json] | Mapping[str, Json] | None


def canonical(value: Json) -> bytes:
    """The one JSON text of a value: sorted keys, no white space, UTF-8.

    Floats are refused, since their text is not exact; Decimals travel as strings.
    """
    _refuse_floats(value)
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def seal_of(value: Json) -> str:
    """SHA-256 of the canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("A float has no exact text. Use Decimal, written as a string.")
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
