"""Call an author's function with what it names."""

import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from tasks.declaration.errors import Refused
from tasks.declaration.resources import using

if TYPE_CHECKING:
    from tasks.declaration.declared import RegisteredTask
    from tasks.worker.task_run import TaskRun


def call_with(
    function: Callable[..., Any], values: Mapping[str, Any], *, run: "TaskRun | None" = None
) -> Any:  # noqa: ANN401 - whatever the function returns
    """Call it with those of the values that it names; a `TaskRun` argument gets the run."""
    arguments = dict(values)
    named = inspect.signature(function).parameters
    for name, declared in named.items():
        if run is not None and _is_run(declared.annotation):
            arguments[name] = run
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in named.values())
    with author_code():
        return function(
            **{name: arguments[name] for name in arguments if takes_all or name in named}
        )


# The slug of the task whose code is at work in this thread. Empty outside of a run.
_AT_WORK: Final[ContextVar[str]] = ContextVar("task at work", default="")


def not_from_a_run[F: Callable[..., Any]](function: F, slug: str) -> F:
    """The function of a task as its module has it: it refuses to be called from inside of a run.

    There it would skip the rights and the approval of its task.
    """

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - those of the function
        if _AT_WORK.get():
            given = "".join(f", {name}=..." for name in inspect.signature(function).parameters)
            raise Refused(
                f"“{slug}” is a task of its own, with its own rights and approval, and was called like "
                f'a function. Write run.task("{slug}"{given.replace(", run=...", "")}); or move what '
                "both need into a function that is no task."
            )
        return function(*arguments, **named)

    return cast(F, call)


def call_task(task: "RegisteredTask", values: Mapping[str, Any], run: "TaskRun") -> Any:  # noqa: ANN401
    """Do what a task's kind does with these values; for a plain task, call its function."""
    with _at_work(task.slug), using(task.resources):
        if task.kind.run is None:
            return call_with(task.function, values, run=run)
        with author_code():
            return task.kind.run(values, run)


@contextmanager
def _at_work(slug: str) -> Iterator[None]:
    before = _AT_WORK.set(slug)
    try:
        yield
    finally:
        _AT_WORK.reset(before)


@contextmanager
def author_code() -> Iterator[None]:
    """Code that is not ours. A process that it forks ends here, and does not go on as a second worker."""
    process = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != process:
            os._exit(os.EX_SOFTWARE)


def _is_run(annotation: object) -> bool:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2] == "TaskRun"


def required_by(function: Callable[..., Any]) -> set[str]:
    """The names that a function must be called with."""
    many = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {
        name
        for name, each in inspect.signature(function).parameters.items()
        if each.default is each.empty and each.kind not in many
    }
