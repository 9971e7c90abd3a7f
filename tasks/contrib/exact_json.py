"""JSON from other programs, read exactly or not at all: no amount is rounded, no name is lost."""

import json
from decimal import Decimal
from typing import Any, NoReturn


class NotExact(ValueError):
    """It is no JSON, or JSON that two readers may understand differently."""


def exact_json(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """The value of UTF-8 JSON. Numbers with decimals are Decimal.

    Raises NotExact, also for NaN, for a name that comes twice in one object, and for what is nested
    too deep.
    """
    try:
        return json.loads(
            content.decode(),
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_without_repeats,
        )
    except NotExact:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotExact("It is no valid JSON in UTF-8.") from error


def _refuse(constant: str) -> NoReturn:
    raise NotExact(f"It has {constant}, which is no number.")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise NotExact(f"It has the name {repeated[:60]!r} twice in one object.")
    return found
