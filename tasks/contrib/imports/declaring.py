"""`@import_task`: a task that imports a file. What its form asks for, its preview, its checks, its steps."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import Annotated, Any, Final, Unpack, get_args

from django.core.exceptions import ValidationError

from tasks.contrib.imports.comparing import AT_ONCE, Comparison, compare
from tasks.contrib.imports.layouts import Layout
from tasks.contrib.imports.reading import Reading, layout_of, read_file
from tasks.contrib.imports.reporting import changes, report, sentences
from tasks.contrib.imports.targets import Into
from tasks.contrib.imports.writing import write_part
from tasks.declaration.calling import call_with
from tasks.declaration.declared import TaskArguments
from tasks.declaration.errors import Refused
from tasks.declaration.kinds import Shown, TaskKind
from tasks.declaration.registry import registry
from tasks.declaration.source import registers
from tasks.outputs import Change, Output
from tasks.parameters import File, Param
from tasks.worker.task_run import TaskRun

MOST_ROWS: Final = 50_000

ImportFile = Annotated[
    File, Param(label="File", accept=(".csv", ".txt", ".tsv"), max_size=20 * 1024 * 1024)
]
OnlyCheck = Annotated[
    bool,
    Param(
        label="Only check the file",
        help="Imports nothing: shows what would be imported, and every fault.",
    ),
]
FROM_HEADER: Final = "Leave it empty to recognise it from the file's first line."


@dataclass(frozen=True)
class Import:
    """One import, as its author declares it."""

    layouts: tuple[Layout, ...]
    into: Into
    partly: bool
    max_rows: int

    def read(self, file: File, layout: str | None) -> Reading:
        """The file in its layout: the one that was chosen, or the only one that fits."""
        chosen = next((each for each in self.layouts if each.name == layout), None)
        try:
            found = chosen or layout_of(file.content, self.layouts)
            return read_file(file.content, found, self.into, self.max_rows)
        except ValidationError as error:
            name = "layout" if getattr(error, "code", "") == "layout" else "file"
            raise ValidationError({name: error.messages}) from error

    def compare(self, reading: Reading, values: Mapping[str, Any]) -> Comparison:
        """The rows of a file beside those that are there."""
        return compare(reading, self.into, self.into.of_scope(reading.layout, values))

    def preview(self, **values: Any) -> list[Change]:  # noqa: ANN401
        """What would be imported."""
        reading = self.read(values["file"], values.get("layout"))
        rows = changes(reading, self.compare(reading, values), self.into)
        checked = Change("Imported", None, "nothing: the file is only checked")
        return [checked, *rows] if values.get("only_check") else rows

    def validate(self, **values: Any) -> None:  # noqa: ANN401
        """Refuse a file with faults at the form, all of them at once, unless it is only checked."""
        reading = self.read(values["file"], values.get("layout"))
        if reading.faults and not (self.partly or values.get("only_check")):
            more = "Select “Only check the file” for a table and a file of all of them."
            raise ValidationError({"file": [*sentences(reading.faults), more]})

    def carry_out(
        self, run: TaskRun, function: Callable[..., Any], values: Mapping[str, Any]
    ) -> list[Output]:
        """Import the file in steps of some thousand rows, or say what would be imported."""
        reading = self.read(values["file"], values.get("layout"))
        found = self.compare(reading, values)
        if values.get("only_check"):
            return report(reading, found, self.into, written=None)
        self._refuse(reading, found)
        same = run.write_once("begin", lambda: dict(call_with(function, values, run=run) or {}))
        scope, written = self.into.of_scope(reading.layout, values), 0
        for number, part in enumerate(self._parts(reading)):
            first, last = number * AT_ONCE + 1, number * AT_ONCE + len(part.rows)
            written += run.write_once(
                f"rows {first:,} to {last:,}",
                partial(write_part, part, self.into, scope, same),
            )
            run.progress(last, len(reading.rows))
        run.log(f"{written:,} of {reading.count:,} rows were imported.")
        return report(reading, found, self.into, written=written)

    def _refuse(self, reading: Reading, found: Comparison) -> None:
        if self.partly:
            return
        if reading.faults:
            raise Refused(f"{reading.faults[0]} Nothing was imported.")
        if found.changed:
            raise Refused(
                f"{len(found.changed):,} rows are there with other values, the first in row "
                f"{found.changed[0].row}. What is there is never overwritten: take them out of the file."
            )

    def _parts(self, reading: Reading) -> Iterator[Reading]:
        for places in batched(range(len(reading.rows)), AT_ONCE):
            rows = reading.rows[places[0] : places[-1] + 1]
            numbers = reading.numbers[places[0] : places[-1] + 1]
            yield Reading(reading.layout, reading.fields, rows, numbers)


@registers
def import_task[F: Callable[..., Any]](
    *,
    layouts: Sequence[Layout],
    into: Into,
    partial: bool = False,
    max_rows: int = MOST_ROWS,
    **arguments: Unpack[TaskArguments],
) -> Callable[[F], F]:
    """Make a function a task that imports files, and hand it back unchanged.

    It has the parameters `file: ImportFile`, `layout`, a `Literal` of the layouts' names or None, and
    `only_check: OnlyCheck`, beside its own, such as the account that the file belongs to. It is called
    once, in the transaction of the first step, and the dict that it returns is written to every row:
    {"batch": 7}. `layouts` are the ways in which a file can be written. With `partial`, faulty rows
    and those that are there with other values are left out; without it, such a file is refused.
    `max_rows` are read at most. Everything else is as for `@task`; the time limit is 170 seconds.

    Nothing is raised for a wrong declaration: see `Registry.problems`.
    """
    what = Import(tuple(layouts), into, partial, max_rows)
    given: TaskArguments = {
        "timeout": 170,
        "idempotent": True,
        "moves_money": bool(into.money),
        "one_running_per": tuple(into.scope),
        "preview": what.preview,
        "validate": what.validate,
    }

    def register(function: F) -> F:
        kind = TaskKind(
            "import",
            run=lambda values, run: what.carry_out(run, function, values),
            content={layout.name: repr(layout).encode() for layout in what.layouts},
            shown=tuple(Shown(str(layout), layout.in_words()) for layout in what.layouts),
            problems=tuple(_problems(what, function)),
            calls_function=True,
        )
        return registry.task(**(given | arguments), kind=kind)(function)

    return register


def _problems(what: Import, function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    hint = "Correct it where the layout is declared."
    for layout in what.layouts:
        for problem in (*layout.problems(), *what.into.problems(layout)):
            yield problem, hint
    names = [layout.name for layout in what.layouts]
    if not names or len(set(names)) < len(names):
        yield "An import has one layout at least, each with a name of its own.", hint
    declared = inspect.signature(function).parameters
    if "file" not in declared:
        yield f"{function.__name__} has no parameter for the file.", "Write file: ImportFile."
    if "layout" in declared and set(_literals(declared["layout"].annotation)) != set(names):
        offered = ", ".join(f'"{name}"' for name in names)
        yield (
            f"The parameter layout of {function.__name__} does not name the layouts.",
            f"Write layout: Literal[{offered}] | None = None.",
        )


def _literals(hint: object) -> Iterator[object]:
    """The texts in a type hint, however deep."""
    for part in get_args(hint):
        if isinstance(part, str):
            yield part
        else:
            yield from _literals(part)
