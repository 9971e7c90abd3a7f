"""What a task may return, and what a preview lists."""

import datetime
import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.seals import Json
from tasks.parameters import Money


@dataclass(frozen=True)
class Table:
    """Rows under column names, shown as a table."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class KeyValue:
    """Named values, shown one under the other."""

    items: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Text:
    """A sentence or more."""

    text: str


type Output = Table | KeyValue | Text | Money | Mapping[str, object] | Sequence[object] | str | None


@dataclass(frozen=True)
class Change:
    """One thing that a run would change: what it is now, and what it would be."""

    label: str
    before: object
    after: object

    def as_json(self) -> list[str]:
        """Three texts, as they are shown and sealed."""
        return [self.label, text_of(self.before), text_of(self.after)]


def text_of(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return str(value)


def as_json(output: Output) -> dict[str, Json]:
    """What a task returned, in the form that is kept and shown: a table, pairs or a text.

    Raises TypeError for a value that is none of the outputs.
    """
    match output:
        case None:
            return {"kind": "none"}
        case Table():
            return _table(output.columns, output.rows)
        case KeyValue():
            return _pairs(output.items)
        case Mapping():
            return _pairs(output)
        case Text() | Money() | str():
            return {
                "kind": "text",
                "text": output.text if isinstance(output, Text) else str(output),
            }
        case list() | tuple() if all(isinstance(row, Mapping) for row in output):
            return _table_of_dicts([row for row in output if isinstance(row, Mapping)])
    raise TypeError(
        f"A task returned {type(output).__name__}. Return a Table, KeyValue, Text, Money, a dict, "
        "a list of dicts, a str or None."
    )


def _pairs(items: Mapping[str, object]) -> dict[str, Json]:
    return {"kind": "pairs", "pairs": [[str(k), text_of(v)] for k, v in items.items()]}


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, Json]:
    texts = [[text_of(cell) for cell in row] for row in rows]
    return {"kind": "table", "columns": list(columns), "rows": texts}


def _table_of_dicts(rows: Sequence[Mapping[str, object]]) -> dict[str, Json]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return _table(columns, [[row.get(name) for name in columns] for row in rows])
