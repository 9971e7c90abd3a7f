"""Call an author's function with what it names."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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


def call_task(task: "RegisteredTask", values: Mapping[str, Any], run: "TaskRun") -> Any:  # noqa: ANN401
    """Do what a task's kind does with these values; for a plain task, call its function."""
    with using(task.resources):
        if task.kind.run is None:
            return call_with(task.function, values, run=run)
        with author_code():
            return task.kind.run(values, run)


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
