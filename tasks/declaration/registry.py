"""What may be run: functions under `@task`, found in the modules that TASK_MODULES names.

    @task(name="Issue credit", category="Accounts", owner="Payments")
    def issue_credit(account: Account, amount: Money) -> str:
        '''Adds a credit to an account.'''

This module knows neither Django nor the database, so that a task's module can be imported and its
function tested without either.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.calling import not_from_a_run
from tasks.declaration.declared import (
    Approval,
    Finished,
    Function,
    Level,
    RegisteredTask,
    SameFile,
    TaskArguments,
    Undo,
    listed,
    names,
    read_only,
)
from tasks.declaration.discovery import import_modules
from tasks.declaration.kinds import FUNCTION, Problem, TaskKind
from tasks.declaration.limits import NEVER, Limits
from tasks.declaration.problems import problems_in
from tasks.declaration.resources import Resource
from tasks.declaration.slack import ONLY_A_LINK, InSlack
from tasks.declaration.source import fingerprint, location

__all__ = [
    "Approval",
    "Finished",
    "Problem",
    "RegisteredTask",
    "Registry",
    "TaskArguments",
    "Undo",
    "UnknownTask",
    "registry",
    "task",
]


class UnknownTask(LookupError):
    """No task of that name is in the code that is running."""


class Registry:
    """The tasks of one process, by slug. A wrong declaration becomes a problem, not a task."""

    def __init__(self) -> None:
        self._tasks: dict[str, RegisteredTask] = {}
        self.problems: list[Problem] = []

    def task[F: Function](  # noqa: PLR0913 -- each keyword is one thing an author may say
        self,
        without_parentheses: Function | None = None,
        /,
        *,
        name: str = "",
        category: str = "",
        owner: str = "",
        timeout: int = 60,
        idempotent: bool = False,
        approval: Sequence[Approval] = (),
        grants: Mapping[str, Level] | None = None,
        preview: Function | None = None,
        validate: Function | None = None,
        look_up: Function | None = None,
        one_open_per: str | Sequence[str] = (),
        one_running_per: str | Sequence[str] = (),
        undo: Undo | None = None,
        limits: Limits = NEVER,
        moves_money: bool | None = None,
        same_file: SameFile = "",
        break_glass: BreakGlass | None = None,
        slack: InSlack = ONLY_A_LINK,
        outputs: Mapping[str, type] | None = None,
        also: Sequence[object] = (),
        resources: Sequence[Resource] = (),
        slug: str | None = None,
        kind: TaskKind = FUNCTION,
    ) -> Callable[[F], F]:
        """Make a function a task, and hand it back, for tests to call. From a run it refuses to be called.

        `name`, `category` and `owner` are shown to people and must be given; so must a docstring,
        which is the description. `timeout` is in seconds. `idempotent` says that the function may
        be run again after it was interrupted. `approval` and `grants` (group name to level) are
        what a new task starts with; people change them later in the admin. `preview` tells what a
        run would do, `validate` checks parameters against each other, `look_up` asks the other side
        whether a step without an answer happened. `one_open_per` names the
        parameters for the same values of which a second run is refused while one is open;
        `one_running_per`, those for which a second run waits while one runs. `undo` names the task
        that undoes this one. `limits` says where a run over many items pauses, for somebody to look.
        `moves_money` says so where no parameter and no column is an amount of money, or that it does
        not though one is: whoever stops all money stops it, too, and who requests it confirms it.
        `same_file` says what happens when a file was sent before: "warn" where money moves,
        "refuse", or "allow". `break_glass` says who may run it without approval in an emergency, `slack`
        what Slack may show and decide of its requests. `outputs` names values that it returns, with
        their types, for conditions of subscriptions. `also` is what decides beside the function what
        a run does, such as the statement of a task that a factory has made: where it changes, what
        waits for approval is outdated. `resources` are the systems that it reaches, and whose secrets it
        can read. Without `slug`, the name of the function names
        the task for ever. `kind` is for decorators of other kinds of tasks, such as `sql_task`.

        Nothing is raised for a wrong declaration: see `problems`.
        """

        def register(function: F) -> F:
            file, line = location(function)
            own_name = getattr(function, "__name__", "")
            task = RegisteredTask(
                slug=own_name.strip("_").replace("_", "-") if slug is None else slug,
                name=name,
                category=category,
                owner=owner,
                description=inspect.cleandoc(getattr(function, "__doc__", "") or ""),
                function=function,
                timeout=timeout,
                idempotent=idempotent,
                approval=listed(approval),
                grants=read_only({} if grants is None else grants),
                preview=preview,
                validate=validate,
                look_up=look_up,
                one_open_per=names(one_open_per),
                one_running_per=names(one_running_per),
                undo=undo,
                limits=limits,
                moves_money=moves_money,
                same_file=same_file,
                break_glass=break_glass,
                slack=slack,
                outputs=read_only({} if outputs is None else outputs),
                resources=listed(resources),
                kind=kind,
                file=file,
                line=line,
                # Without the look-up: one that is written for an uncertain run must not change it.
                source_hash=fingerprint(
                    function,
                    preview,
                    validate,
                    idempotent,
                    also,
                    *kind.parts(),
                    *_parts_of(resources),
                ),
            )
            self.register(task)
            return not_from_a_run(function, task.slug)

        if without_parentheses is not None:
            self._refuse_bare(without_parentheses)
            return without_parentheses  # what `@task` above a def line hands back
        return register

    def register(self, task: RegisteredTask) -> None:
        """Add a task. A task with a problem is left out: what is wrong cannot be run."""
        found = [*problems_in(task), *self._duplicate(task)]
        self.problems += [Problem(task.file, task.line, *texts) for texts in found]
        if not found:
            self._tasks[task.slug] = task

    def _refuse_bare(self, function: Function) -> None:
        name = getattr(function, "__name__", repr(function))
        self.problems.append(
            Problem(
                *location(function),
                f"@task above {name!r} says nothing of the task.",
                'Write @task(name="...", category="...", owner="...").',
            )
        )

    def get(self, slug: str) -> RegisteredTask:
        """The task of this slug. Raises UnknownTask."""
        try:
            return self._tasks[slug]
        except KeyError:
            raise UnknownTask(
                f"No code is registered for the task {slug!r}. It was renamed or removed, or the "
                "module it is in is missing from TASK_MODULES."
            ) from None

    def all(self) -> list[RegisteredTask]:
        """Every task, by category and name."""
        return sorted(self._tasks.values(), key=lambda task: (task.category, task.name, task.slug))

    def load(self, modules: Sequence[str]) -> None:
        """Import modules (dotted paths); a package stands for itself and the modules in it."""
        import_modules(modules)

    @contextmanager
    def temporarily(self, *tasks: RegisteredTask) -> Iterator[None]:
        """Add tasks for one test, and forget them and anything else added meanwhile."""
        before, problems = dict(self._tasks), list(self.problems)
        try:
            for task in tasks:
                self.register(task)
            yield
        finally:
            self._tasks, self.problems = before, problems

    def _duplicate(self, task: RegisteredTask) -> Iterator[tuple[str, str]]:
        if other := self._tasks.get(task.slug):
            yield (
                f"Two tasks have the slug {task.slug!r}: this one, and the one at "
                f"{other.file}:{other.line}.",
                "Give one of the two functions another name, or write slug=... in its @task.",
            )


def _parts_of(resources: object) -> Iterator[object]:
    """What of the resources of a task belongs into its fingerprint."""
    for resource in resources if isinstance(resources, (list, tuple)) else ():
        if isinstance(resource, Resource):
            yield resource.parts()


registry = Registry()
task = registry.task
