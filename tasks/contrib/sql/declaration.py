"""`@sql_task`: the declaration of a look-up, what is wrong with it, and what a run of it does."""

import inspect
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Unpack

import psycopg

from tasks import parameters
from tasks.contrib.sql.binding import types_of, values_of
from tasks.contrib.sql.queries import Query
from tasks.contrib.sql.reading import (
    LONGEST_CELL,
    TIME_IS_OVER,
    Result,
    ReturnsNothing,
    addresses,
    connected,
    described,
    read,
    writes,
)
from tasks.declaration.declared import Function, RegisteredTask, TaskArguments
from tasks.declaration.errors import Busy, Refused
from tasks.declaration.kinds import Problem, Shown, TaskKind
from tasks.declaration.registry import task
from tasks.declaration.source import location, registers
from tasks.outputs import Output, Table, Text
from tasks.worker.task_run import TaskRun

logger = logging.getLogger(__name__)

type Mask = Literal["email", "phone"]
MASKS: Final = ("email", "phone")
MOST_ROWS: Final = 20_000  # as many as a result keeps
CHECK_SECONDS: Final = 2


@registers
def sql_task[F: Function](
    *,
    query: str | Path,
    database: str = "lookup",
    max_rows: int = 5000,
    seconds: int = 10,
    mask: Mapping[str, Mask] | None = None,
    **said: Unpack[TaskArguments],
) -> Callable[[F], F]:
    """Make a query a task. Its form is the signature of the function, whose body is empty.

    `query` is the text, or the path of an .sql file beside the module. `:days` in it is the value of
    the parameter `days`, bound and never pasted; `:requested_by` the user name of who runs it.
    `database` is a name in LOOKUP_DATABASES. At most `max_rows` are returned, within `seconds`.
    `mask` names columns of e-mail addresses and telephone numbers. All arguments of `@task` mean what
    they mean there.
    """

    def declare(function: F) -> F:
        found, problems = _query(query, function)
        lookup = Lookup(found, database, max_rows, seconds, dict(mask or {}), function)
        kind = TaskKind(
            "SQL",
            run=lookup.run,
            content=lookup.content(),
            shown=(Shown("Query", found.text),),
            problems=(*problems, *lookup.problems()),
            check=lookup.check,
            reads_only=True,
        )
        options: TaskArguments = {"idempotent": True, "timeout": seconds + 20, **said}
        return task(kind=kind, **options)(function)

    return declare


def _query(given: str | Path, function: Function) -> tuple[Query, list[tuple[str, str]]]:
    """The query, and what is wrong with the file that it should be in."""
    file, line = location(function)
    if isinstance(given, str) and not (given.endswith(".sql") and len(given.split()) == 1):
        return Query(inspect.cleandoc(given), file, line), []
    path = Path(file).parent / given
    try:
        return Query(path.read_text(encoding="utf-8"), str(path), 1), []
    except (OSError, UnicodeDecodeError) as error:
        return Query("", file, line), [
            (
                f"The query {given} cannot be read: {type(error).__name__}.",
                f"Put it at {path}, in UTF-8.",
            )
        ]


@dataclass(frozen=True)
class Lookup:
    """One declared query, and what its runs do."""

    query: Query
    database: str
    max_rows: int
    seconds: int
    mask: Mapping[str, Mask]
    function: Function

    def content(self) -> dict[str, bytes]:
        """What decides over a run beside the parameters."""
        limits = [self.database, self.max_rows, self.seconds, sorted(self.mask.items())]
        return {"query": self.query.text.encode(), "limits": json.dumps(limits).encode()}

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it whatever the database says."""
        if not (0 < self.max_rows <= MOST_ROWS and self.seconds > 0):
            yield (
                f"The query has max_rows={self.max_rows!r} and seconds={self.seconds!r}.",
                f"Write numbers above 0, and at most {MOST_ROWS:,} rows.",
            )
        if wrong := [how for how in self.mask.values() if how not in MASKS]:
            yield f"mask has the value {wrong[0]!r}.", f"Write one of {', '.join(MASKS)}."
        try:
            types = types_of(parameters.read(self.function))
        except parameters.DeclarationError:
            return  # said of every task
        if unknown := [name for name in self.query.names() if name not in types]:
            yield (
                f"The query uses :{unknown[0]}, and the task has no parameter of that name that can be bound.",
                f"These can be used: {', '.join(f':{name}' for name in types)}.",
            )

    def text(self) -> str:
        """The query as PostgreSQL takes it."""
        return self.query.numbered(types_of(parameters.read(self.function)))

    def check(self, registered: RegisteredTask) -> Iterator[Problem]:
        """What the database says of it, where it can be reached now."""
        address = addresses().get(self.database)
        if not address:
            return
        try:
            with connected(address, seconds=CHECK_SECONDS, patience=CHECK_SECONDS) as connection:
                if why := writes(connection):
                    yield self._problem(
                        f"In the database “{self.database}” {why}.",
                        "Give it a role that can only read: see docs/how-to/sql-look-ups.md.",
                    )
                yield from self._understood(connection)
        except psycopg.OperationalError:
            return  # it is another time's matter: a run says so in a sentence

    def _understood(self, connection: psycopg.Connection) -> Iterator[Problem]:
        try:
            columns = [name for name, _ in described(connection, self.text())]
        except ReturnsNothing:
            yield self._problem("The text is no query.", "Write one SELECT.")
        except psycopg.Error as error:
            # A table may come with the migrations that are about to run.
            late = isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn)
            line = self.query.text[: int(error.diag.statement_position or 1) - 1].count("\n")
            yield self._problem(
                f"The database “{self.database}” does not understand the query: "
                f"{error.diag.message_primary}.",
                "Correct it, or run migrate." if late else "Correct it.",
                line=line,
                is_warning=late,
            )
        else:
            if unknown := sorted(set(self.mask) - set(columns)):
                yield self._problem(
                    f"mask names {unknown[0]}, and the query has no such column.",
                    f"Its columns are {', '.join(columns)}.",
                )

    def _problem(
        self, message: str, hint: str, line: int = 0, *, is_warning: bool = False
    ) -> Problem:
        return Problem(self.query.file, self.query.line + line, message, hint, is_warning)

    def run(self, values: Mapping[str, Any], run: TaskRun) -> Output:
        """The rows. `Refused` and `Busy` say why there are none."""
        address = addresses().get(self.database)
        if not address:
            raise Refused(
                f"LOOKUP_DATABASES names no database “{self.database}”. Contact an administrator."
            )
        bound = values_of(values, run.requested_by.get_username())
        given = [bound[name] for name in self.query.names()]
        try:
            result = read(address, self.text(), given, max_rows=self.max_rows, seconds=self.seconds)
        except ReturnsNothing:
            raise Refused("The text of this task is no query. Contact its owner.") from None
        except psycopg.Error as error:
            raise self._in_words(error) from None
        run.log(f"{len(result.rows):,} rows from “{self.database}”")
        return [self._table(result), *map(Text, _notes(result))]

    def _in_words(self, error: psycopg.Error) -> Refused:
        """A sentence for people. The server's own text may hold values: it goes to the log."""
        logger.warning("A look-up in “%s” failed: %s", self.database, error)
        state = error.sqlstate or ""
        if TIME_IS_OVER in getattr(error, "__notes__", ()) or state == "57014":
            return Refused(
                f"The query took longer than {self.seconds} seconds and was ended. Narrow it, and run it again."
            )
        if not state or state[:2] in ("08", "53", "57"):
            return Busy(f"The database “{self.database}” cannot be reached now. Nothing was read.")
        why = _WHY.get(state) or _WHY.get(state[:2], "it could not run the query")
        return Refused(
            f"The database “{self.database}” says that {why} ({state}). Contact the owner of the task."
        )

    def _table(self, result: Result) -> Table:
        masks = [_MASKING.get(self.mask.get(name, ""), _plain) for name in result.columns]
        rows = [[mask(cell) for mask, cell in zip(masks, row, strict=True)] for row in result.rows]
        return Table(result.columns, rows)


_WHY: Final = {
    "42501": "its role cannot read that",
    "42P01": "a table is missing",
    "42": "the query does not fit its tables",
    "22": "a value does not fit the query",
    "25006": "look-ups can only read",
    "55P03": "a table is locked",
}


def _notes(result: Result) -> Iterator[str]:
    """What was left out, each in a sentence."""
    if result.too_large:
        yield f"The result is too large: these are its first {len(result.rows):,} rows. Narrow the query."
    elif result.more_rows:
        yield f"These are the first {len(result.rows):,} rows. There are more: narrow the query."
    if result.cut_cells:
        yield f"{result.cut_cells:,} texts were cut after {LONGEST_CELL:,} characters."


def _plain(cell: object) -> object:
    return cell


def _email(cell: object) -> object:
    """“a•••@example.com”."""
    name, at, host = str(cell).rpartition("@")
    return None if cell is None else f"{name[:1]}•••{at}{host}" if at else "•••"


def _phone(cell: object) -> object:
    """“•••• 17”."""
    return None if cell is None else f"•••• {str(cell)[-2:]}"


_MASKING: Final[Mapping[str, Callable[[object], object]]] = {"email": _email, "phone": _phone}
