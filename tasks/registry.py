"""What may be run: functions under `@task`, found in the modules that TASK_MODULES names.

    @task(name="Issue credit", category="Accounts", owner="Payments")
    def issue_credit(account: Account, amount: Money) -> str:
        '''Adds a credit to an account.'''

This module knows neither Django nor the database, so that a task's module can be imported and its
function tested without either.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args
from uuid import UUID

from tasks.discovery import import_modules
from tasks.glass import BreakGlass
from tasks.in_slack import ONLY_A_LINK, InSlack
from tasks.limits import NEVER, Limits
from tasks.source import fingerprint, location
from tasks.spans import problems_of_times
from tasks.tickets import problem_of_pattern

type Function = Callable[..., Any]
Level = Literal["view", "request", "execute", "approve", "change"]
LEVELS: tuple[str, ...] = get_args(Level)


class UnknownTask(LookupError):
    """No task of that name is in the code that is running."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a declaration. `python manage.py check` shows it and stops."""

    file: str
    line: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A default rule: when `when` is true, `needed` people of these groups or names must agree.

    `when` is an expression over the task's parameters, such as "amount > 100", or "true". A request
    expires after `expires_after`, three days by default. `remind_after` and `escalate_after`, to the
    groups `escalate_to`, are counted from the request, too. `may_serve_twice` lets somebody agree
    who has decided another stage; `fresh_proof` asks who agrees to prove anew who they are;
    `ticket_pattern` asks who asks for the number of a ticket like it. With
    `for_settling`, they must agree as well to what follows when the run is uncertain. `limits` are
    those of the runs for which it holds, beside the task's own.
    """

    when: str
    groups: Sequence[str] = ()
    people: Sequence[str] = ()
    needed: int = 1
    name: str = ""
    for_settling: bool = False
    expires_after: timedelta | None = None
    remind_after: timedelta | None = None
    escalate_after: timedelta | None = None
    escalate_to: Sequence[str] = ()
    limits: Limits = NEVER
    may_serve_twice: bool = False
    fresh_proof: bool = False
    ticket_pattern: str = ""

    def __post_init__(self) -> None:
        for attribute in ("groups", "people", "escalate_to"):
            object.__setattr__(self, attribute, _names(getattr(self, attribute)))


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has succeeded: its typed values, its output as stored, each step's answer."""

    id: UUID
    values: Mapping[str, Any]
    output: Mapping[str, Any]
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Undo:
    """The slug of the task that undoes this one, and its values, which nobody can change.

    `fill` names parameters of that task. Each function gets the `Finished` run and gives a value;
    it raises `Refused` where there is nothing to undo.
    """

    task: str
    fill: Mapping[str, Callable[[Finished], Any]]


@dataclass(frozen=True, slots=True)
class RegisteredTask:
    """The code behind a task, and what its author said about it. `timeout` is in seconds."""

    slug: str
    name: str
    category: str
    owner: str
    description: str
    function: Function
    timeout: int = 60
    idempotent: bool = False
    approval: tuple[Approval, ...] = ()
    grants: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    preview: Function | None = None
    validate: Function | None = None
    look_up: Function | None = None
    one_open_per: tuple[str, ...] = ()
    one_running_per: tuple[str, ...] = ()
    undo: Undo | None = None
    limits: Limits = NEVER
    moves_money: bool = False
    break_glass: BreakGlass | None = None
    slack: InSlack = ONLY_A_LINK
    outputs: Mapping[str, type] = field(default_factory=lambda: MappingProxyType({}))
    file: str = ""
    line: int = 0
    source_hash: str = ""

    @property
    def exclusive(self) -> tuple[str, ...]:
        """The parameters that two runs may not share at once, in either way."""
        return self.one_open_per or self.one_running_per


class Registry:
    """The tasks of one process, by slug. A wrong declaration becomes a problem, not a task."""

    def __init__(self) -> None:
        self._tasks: dict[str, RegisteredTask] = {}
        self.problems: list[Problem] = []

    def task[F: Function](  # noqa: PLR0913 -- each keyword is one thing an author may say
        self,
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
        moves_money: bool = False,
        break_glass: BreakGlass | None = None,
        slack: InSlack = ONLY_A_LINK,
        outputs: Mapping[str, type] | None = None,
        slug: str | None = None,
    ) -> Callable[[F], F]:
        """Make a function a task, and hand it back unchanged.

        `name`, `category` and `owner` are shown to people and must be given; so must a docstring,
        which is the description. `timeout` is in seconds. `idempotent` says that the function may
        be run again after it was interrupted. `approval` and `grants` (group name to level) are
        what a new task starts with; people change them later in the admin. `preview` tells what a
        run would do, `validate` checks parameters against each other, `look_up` asks the other side
        whether a step without an answer happened. `one_open_per` names the
        parameters for the same values of which a second run is refused while one is open;
        `one_running_per`, those for which a second run waits while one runs. `undo` names the task
        that undoes this one. `limits` says where a run over many items pauses, for somebody to look.
        `moves_money` says so where no parameter is an amount of money: whoever stops all money stops
        it, too. `break_glass` says who may run it without approval in an emergency, `slack`
        what Slack may show and decide of its requests. `outputs` names values that it returns, with
        their types, for conditions of subscriptions. Without `slug`, the name of the function names
        the task for ever.

        Nothing is raised for a wrong declaration: see `problems`.
        """

        def register(function: F) -> F:
            file, line = location(function)
            task = RegisteredTask(
                slug=function.__name__.strip("_").replace("_", "-") if slug is None else slug,
                name=name,
                category=category,
                owner=owner,
                description=inspect.cleandoc(function.__doc__ or ""),
                function=function,
                timeout=timeout,
                idempotent=idempotent,
                approval=tuple(approval),
                grants=MappingProxyType(dict(grants or {})),
                preview=preview,
                validate=validate,
                look_up=look_up,
                one_open_per=_names(one_open_per),
                one_running_per=_names(one_running_per),
                undo=undo,
                limits=limits,
                moves_money=moves_money,
                break_glass=break_glass,
                slack=slack,
                outputs=MappingProxyType(dict(outputs or {})),
                file=file,
                line=line,
                # Without the look-up: one that is written for an uncertain run must not change it.
                source_hash=fingerprint(function, preview, validate),
            )
            self.register(task)
            return function

        return register

    def register(self, task: RegisteredTask) -> None:
        """Add a task. A task with a problem is left out: what is wrong cannot be run."""
        found = [*_problems(task), *self._duplicate(task)]
        self.problems += [Problem(task.file, task.line, *texts) for texts in found]
        if not found:
            self._tasks[task.slug] = task

    def get(self, slug: str) -> RegisteredTask:
        """The task of this slug. Raises UnknownTask."""
        try:
            return self._tasks[slug]
        except KeyError:
            raise UnknownTask(
                f"No code is registered for the task {slug!r}. It was renamed or removed, or the "
                "module it stands in is missing from TASK_MODULES."
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


registry = Registry()
task = registry.task


def _problems(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    label = repr(task.slug)
    for attribute in ("name", "category", "owner"):
        value = getattr(task, attribute)
        if not (isinstance(value, str) and value.strip()):
            yield f"The task {label} has no {attribute}.", f'Write {attribute}="..." in its @task.'
    if not task.description:
        yield (
            f"The task {label} has no docstring.",
            "Write one below the def line: people read it before they run the task.",
        )
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(task.slug)):
        yield (
            f"{label} cannot be the slug of a task.",
            'Use small letters, digits and single hyphens: slug="issue-credit".',
        )
    if not _is_whole_number(task.timeout):
        yield (
            f"The task {label} has the timeout {task.timeout!r}.",
            "Write a whole number of seconds above 0: timeout=60.",
        )
    yield from _problems_of_limits(task, label)
    yield from _problems_of_functions(task)
    yield from _problems_of_grants(task)
    for rule in task.approval:
        yield from _problems_of_approval(label, rule)


def _problems_of_limits(task: RegisteredTask, label: str) -> Iterator[tuple[str, str]]:
    if task.one_open_per and task.one_running_per:
        yield (
            f"The task {label} has both one_open_per and one_running_per.",
            "Keep one. A run that is open may also be running, so one_open_per is the stricter.",
        )
    if task.undo is not None and not getattr(task.undo, "fill", None):
        yield (
            f"The undo of the task {label} does not say what is to be undone.",
            'Write undo=Undo("reverse-credit", fill={"credit": a_function_of_the_run}).',
        )


def _problems_of_functions(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    for attribute in ("preview", "validate", "look_up"):
        value = getattr(task, attribute)
        if value is not None and not callable(value):
            yield (
                f"The {attribute} of the task {task.slug!r} is {value!r}, which cannot be called.",
                f"Write {attribute}= and the name of a function, without parentheses.",
            )


def _problems_of_grants(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    for group, level in task.grants.items():
        if level not in LEVELS:
            yield (
                f"The task {task.slug!r} grants {group!r} the level {level!r}, which is unknown.",
                f"The levels are {', '.join(LEVELS)}.",
            )


def _problems_of_approval(label: str, rule: object) -> Iterator[tuple[str, str]]:
    example = 'Approval("amount > 100", groups=["Support Managers"])'
    if not isinstance(rule, Approval):
        yield f"An approval rule of the task {label} is {rule!r}.", f"Write {example}."
        return
    if not str(rule.when or "").strip():
        yield f"An approval rule of the task {label} has no condition.", f"Write {example}."
    if not (rule.groups or rule.people):
        yield (
            f"An approval rule of the task {label} names nobody who could approve.",
            f"Name groups or people: {example}.",
        )
    if not _is_whole_number(rule.needed):
        yield (
            f"An approval rule of the task {label} needs {rule.needed!r} people.",
            "Write a whole number above 0: needed=2.",
        )
    if problem := problem_of_pattern(rule.ticket_pattern):
        yield f"An approval rule of the task {label} has a wrong ticket_pattern.", problem
    yield from _problems_of_times(label, rule)


def _problems_of_times(label: str, rule: Approval) -> Iterator[tuple[str, str]]:
    times: tuple[object, ...] = (rule.expires_after, rule.remind_after, rule.escalate_after)
    if wrong := [each for each in times if each is not None and not isinstance(each, timedelta)]:
        yield (
            f"An approval rule of the task {label} has the time {wrong[0]!r}.",
            "Write a timedelta: expires_after=timedelta(hours=4).",
        )
        return
    for name, what in problems_of_times(
        rule, default=timedelta(days=3), escalates=bool(rule.escalate_to)
    ):
        yield f"An approval rule of the task {label} has a wrong {name}.", what


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
