"""What an import would do, for those who decide; and what it did, with every fault to be mended."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from audit.history.export import csv_pieces
from tasks.contrib.imports.comparing import Comparison, sums
from tasks.contrib.imports.reading import Fault, Reading
from tasks.contrib.imports.targets import Into, Row
from tasks.outputs import Change, KeyValue, Output, Table
from tasks.parameters import File, Money

SHOWN: Final = 50  # faults and changed rows on a page; the file has them all
SAMPLE: Final = 5
SAID: Final = 20  # faults beside the form


def changes(reading: Reading, found: Comparison, into: Into) -> list[Change]:
    """The preview: how it is read, what is new, the same, changed or faulty, and the first rows."""
    of = into.model._meta.verbose_name_plural
    rows = [
        Change("Read as", None, str(reading.layout)),
        Change(f"New {of}", None, len(found.new)),
        Change("There already, the same", None, found.same),
    ]
    if found.changed:
        rows.append(Change("There with other values, left as they are", None, len(found.changed)))
    if reading.faults:
        rows.append(Change("Faulty rows, left out", None, len(reading.rejected)))
    totals = sums(reading, into, found.new)
    rows += [Change(f"Total {code}", None, Money(total, code)) for code, total in totals.items()]
    sample = [(reading.numbers[at], reading.rows[at]) for at in found.new[:SAMPLE]]
    return rows + [Change(f"Row {number}", None, _in_words(reading, row)) for number, row in sample]


def report(reading: Reading, found: Comparison, into: Into, *, written: int | None) -> list[Output]:
    """The result of a run: counts, sums, faults, changed rows, and a file of what was rejected.

    `written` is how many rows it has written; None where it only looked.
    """
    new = len(found.new) if written is None else written
    same = found.same if written is None else len(reading.rows) - written - len(found.changed)
    figures: dict[str, object] = {
        "Read as": str(reading.layout),
        "Rows in the file": reading.count,
        "New" if written is None else "Imported": new,
        "There already, the same": same,
        "There with other values": len(found.changed),
        "Faulty": len(reading.rejected),
    }
    if written is None:
        totals = sums(reading, into, found.new).items()
        figures |= {f"Total of the new {code}": Money(total, code) for code, total in totals}
    parts: list[Output] = [KeyValue(figures)]
    if reading.faults:
        parts.append(faults_table(reading.faults))
    if found.changed:
        parts.append(_changed_table(found))
    if reading.rejected:
        parts.append(rejected_file(reading))
    return parts


def sentences(faults: Sequence[Fault]) -> list[str]:
    """The first faults for the form, and how many more there are."""
    more = len(faults) - SAID
    texts = [str(fault) for fault in faults[:SAID]]
    return texts + ([f"And {more:,} more."] if more > 0 else [])


def faults_table(faults: Sequence[Fault]) -> Table:
    """Row, column, what is there and what was expected."""
    title = "Faults" if len(faults) <= SHOWN else f"The first {SHOWN} of {len(faults):,} faults"
    rows = [[f.row, f.column, f.text, f.expected] for f in faults[:SHOWN]]
    return Table(["Row", "Column", "In the file", "Expected"], rows, title)


def rejected_file(reading: Reading) -> File:
    """The rejected rows as they came, each with its row number and everything that is wrong with it."""
    why: dict[int, list[str]] = {}
    for fault in reading.faults:
        why.setdefault(fault.row, []).append(str(fault))
    width = len(reading.header)
    rows = (
        [*(cells + [""] * width)[:width], number, " ".join(why[number])]
        for number, cells in reading.rejected.items()
    )
    text = "".join(csv_pieces([*reading.header, "row", "fault"], rows, spreadsheet=True))
    return File.of("rejected-rows.csv", text, "text/csv")


def _changed_table(found: Comparison) -> Table:
    count = len(found.changed)
    title = "There with other values" + (
        f": the first {SHOWN} of {count:,}" if count > SHOWN else ""
    )
    rows = [
        [each.row, " ".join(map(str, each.key)), name, before, after]
        for each in found.changed[:SHOWN]
        for name, (before, after) in each.differences.items()
    ]
    return Table(["Row", "Key", "Field", "There", "In the file"], rows, title)


def _in_words(reading: Reading, row: Row) -> str:
    return ", ".join(_texts(reading.fields, row))


def _texts(fields: Sequence[str], row: Row) -> Iterator[str]:
    for name, value in zip(fields, row, strict=True):
        if value not in (None, ""):
            yield f"{name} {_text(value)}"


def _text(value: Any) -> str:  # noqa: ANN401 - of any field
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
