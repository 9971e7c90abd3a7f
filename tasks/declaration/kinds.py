"""What a task is made of: a function of Python, or something else that its `def` only declares.

A kind such as SQL is a decorator over `task`, which hands it a `TaskKind`. It knows neither Django
nor the database, like the declaration that uses it. docs/explanation/kinds-of-tasks.md has an example.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tasks.declaration.texts import cut

if TYPE_CHECKING:
    from tasks.declaration.declared import RegisteredTask
    from tasks.worker.task_run import TaskRun

MOST_SHOWN: Final = 50_000  # characters of one text

type Runs = Callable[[Mapping[str, Any], "TaskRun"], Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a declaration. `python manage.py check` shows it and stops, but for a warning."""

    file: str
    line: int
    message: str
    hint: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that decides what a run does, as people read it: a query, a request, a script."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskKind:
    """How the runs of one task come about.

    `run` is called with the typed values and the run, and returns the output; without it the
    function itself is called. `content` is what decides beside the function what a run does, by name
    and byte for byte: where it changes, what waits for approval is outdated. `shown` is what the task's page and
    reviewers see of it. `problems` are messages with hints, found when it was declared; `check`
    finds what only a running system can tell, such as that a table is missing. `reads_only` says
    that a run changes nothing anywhere. With `calls_function`, `run` calls the function itself;
    else a body below the docstring is a problem, since nobody would run it.
    """

    name: str
    run: Runs | None = None
    content: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    shown: tuple[Shown, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    check: Callable[["RegisteredTask"], Iterable[Problem]] | None = None
    reads_only: bool = False
    calls_function: bool = False

    def parts(self) -> Iterator[object]:
        """What of it belongs into the fingerprint. Nothing of a function, which stands for itself."""
        if self.run is not None:
            yield (self.name, sorted(self.content.items()))

    def texts(self) -> list[list[str]]:
        """What pages show of it: title and text."""
        return [[each.title, cut(each.text, MOST_SHOWN)] for each in self.shown]


FUNCTION = TaskKind("function", calls_function=True)


def problems_of_kind(task: "RegisteredTask") -> Iterator[tuple[str, str]]:
    """What was found when it was declared, and a body that nobody runs."""
    kind = task.kind
    yield from kind.problems
    if kind.run is not None and not kind.calls_function and not _is_stub(task.function):
        yield (
            f"The function of the task {task.slug!r} has a body, which a {kind.name} task never runs.",
            "Keep the docstring alone below the def line.",
        )


def _is_stub(function: Callable[..., object]) -> bool:
    """Whether there is nothing below the def line but a docstring, `...` or `pass`."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return True  # without its source nobody can tell
    found = tree.body[0]
    return not isinstance(found, ast.FunctionDef) or all(map(_says_nothing, found.body))


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)
