"""What a run returned, under the names and with the types that its task declares for conditions.

    @task(..., outputs={"flagged": int, "largest": Money})

The run itself keeps texts, as people read them (`tasks.outputs`): these are read back here.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import rule_engine

from tasks.outputs.serialization import Kept, parts
from tasks.parameters import Money

type Declared = Mapping[str, type]

ROWS: Final = "rows_returned"  # of all tables together; every task has it
NUMBER: Final = rule_engine.DataType.FLOAT
TEXT: Final = rule_engine.DataType.STRING


def _yes_or_no(text: str) -> bool:
    return {"Yes": True, "No": False}[text]


READ: Final[Mapping[type, tuple[rule_engine.DataType, Callable[[str], object]]]] = {
    bool: (rule_engine.DataType.BOOLEAN, _yes_or_no),
    int: (NUMBER, Decimal),
    Decimal: (NUMBER, Decimal),
    str: (TEXT, str),
}


def names_of(declared: Declared) -> dict[str, rule_engine.DataType]:
    """The names that a condition may use, with their types. Money gives two, as among parameters."""
    names = {ROWS: NUMBER}
    for name, kind in declared.items():
        if kind is Money:
            names |= {name: NUMBER, f"{name}_currency": TEXT}
        else:
            names[name] = READ[kind][0]
    return names


def values_of(declared: Declared, output: Kept | None) -> dict[str, object]:
    """What was returned under these names. One that was not, or cannot be read, is left out."""
    said = dict(_pairs(output))
    values: dict[str, object] = {ROWS: Decimal(_rows(output))}
    for name, kind in declared.items():
        if (text := said.get(_key(name))) is not None:
            values |= _read(name, kind, text)
    return values


def _read(name: str, kind: type, text: str) -> dict[str, object]:
    try:
        if kind is Money:
            amount, currency = text.split(" ")
            return {name: Decimal(amount), f"{name}_currency": currency}
        return {name: READ[kind][1](text)}
    except (ArithmeticError, LookupError, ValueError):  # empty, of another type, or a masked secret
        return {}


def _pairs(output: Kept | None) -> Iterator[tuple[str, str]]:
    for part in parts(output):
        for label, text in part.get("pairs", ()):
            yield _key(label), text


def _rows(output: Kept | None) -> int:
    tables: list[dict[str, Any]] = [part for part in parts(output) if part["kind"] == "table"]
    return sum(table.get("of", len(table["rows"])) for table in tables)


def _key(name: str) -> str:
    """“Worth a look” and `worth_a_look` are the same."""
    return name.replace("_", " ").casefold().strip()
