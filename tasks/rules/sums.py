"""Sums over what was asked for before, as conditions write them.

    sum(amount) by customer over 24 hours + amount > 500
    count() by requester over 1 hour >= 5

rule-engine has no sums: each is taken out of the condition, and a name stands in its place.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError

from tasks.declaration.durations import LONGEST, UNITS
from tasks.parameters import Parameter, addends, grouping_names

EXAMPLE: Final = "sum(amount) by requester over 24 hours + amount > 500"
ALWAYS_THERE: Final = ("requester", "task")  # to go by, beside what the parameters give

_TEXT_OR_CALL = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w$.])(?:sum|count)\s*\(""", re.ASCII
)
_SUM = re.compile(
    r"(?:sum\s*\(\s*(?P<of>[A-Za-z_]\w*)\s*\)|count\s*\(\s*\))"
    r"\s+by\s+(?P<by>[A-Za-z_]\w*(?:\s+and\s+[A-Za-z_]\w*)*)"
    r"\s+over\s+(?P<number>[1-9][0-9]{0,5})\s+(?P<unit>minute|hour|day)s?\b",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Sum:
    """What is added up (`of`, empty where runs are counted), going by what, over how long."""

    of: str
    by: tuple[str, ...]
    over: timedelta
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def span(self) -> str:
        """How far it looks back, as it is written: “24 hours”, “1 day”."""
        number, unit = self.text.split()[-2:]
        unit = unit.removesuffix("s")
        return f"1 {unit}" if number == "1" else f"{number} {unit}s"


def take_out_sums(condition: str) -> tuple[str, dict[str, Sum]]:
    """The condition with a name in the place of each sum, and the sums by these names.

    Raises `ValidationError` for a sum that is written in another way.
    """
    parts: list[str] = []
    sums: dict[str, Sum] = {}
    position = 0
    for found in _TEXT_OR_CALL.finditer(condition):
        if found["text"] or found.start() < position:
            continue
        written = _SUM.match(condition, found.start())
        if written is None:
            raise ValidationError(f"Write a sum like this: {EXAMPLE}.")
        name = f"__sum_{len(sums)}"
        sums[name] = _read(written)
        parts += [condition[position : found.start()], name]
        position = written.end()
    return "".join([*parts, condition[position:]]), sums


def _read(written: re.Match[str]) -> Sum:
    over = int(written["number"]) * UNITS[written["unit"]]
    text = " ".join(written[0].split())
    if over > LONGEST:
        raise ValidationError(f"“{text}” looks further back than {LONGEST.days} days.")
    by = tuple(dict.fromkeys(re.split(r"\s+and\s+", written["by"])))
    return Sum(written["of"] or "", by, over, text)


def check_sums(sums: Iterable[Sum], parameters: Sequence[Parameter]) -> None:
    """Raise `ValidationError` unless these parameters can be added up, and sums go by these names."""
    numbers, names = addends(parameters), [*ALWAYS_THERE, *grouping_names(parameters)]
    for each in sums:
        if each.of and each.of not in numbers:
            raise ValidationError(
                f"“{each.of}” cannot be added up. {_listed('What can be', numbers)} Runs are "
                "counted with count()."
            )
        for name in each.by:
            if name not in names:
                raise ValidationError(
                    f"A sum cannot go by “{name}”. {_listed('It can go by', names)}"
                )


def _listed(beginning: str, names: Iterable[str] | Mapping[str, object]) -> str:
    return f"{beginning}: {', '.join(names) or 'nothing'}."
