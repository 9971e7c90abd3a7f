"""What the author of a task says about it in its `@task`. It knows neither Django nor the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, TypedDict, get_args
from uuid import UUID

from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.kinds import FUNCTION, TaskKind
from tasks.declaration.limits import NEVER, Limits
from tasks.declaration.resources import Resource
from tasks.declaration.slack import ONLY_A_LINK, InSlack

type Function = Callable[..., Any]
Level = Literal["view", "request", "execute", "approve", "change"]
LEVELS: tuple[str, ...] = get_args(Level)
SameFile = Literal["", "warn", "refuse", "allow"]
SAME_FILE: tuple[str, ...] = get_args(SameFile)


@dataclass(frozen=True, slots=True)
class Approval:
    """A default rule: when `when` is true, `needed` people of these groups or names must agree.

    `when` is an expression over the task's parameters, such as "amount > 100", or "true". A request
    expires after `expires_after`, three days by default. `remind_after` and `escalate_after`, to the
    groups `escalate_to`, are counted from the request, too. `may_serve_twice` lets somebody agree
    who has decided another stage; `fresh_proof` asks who agrees to prove anew who they are;
    `ticket_pattern` asks who asks for the number of a ticket like it. With
    `for_resolving`, they must agree as well to what follows when the run is uncertain. `limits` are
    those of the runs for which it holds, beside the task's own.
    """

    when: str
    groups: Sequence[str] = ()
    people: Sequence[str] = ()
    needed: int = 1
    name: str = ""
    for_resolving: bool = False
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
            object.__setattr__(self, attribute, names(getattr(self, attribute)))


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


class TaskArguments(TypedDict, total=False):
    """What an author may say of a task of any kind: the arguments of `task`, for other decorators."""

    name: str
    category: str
    owner: str
    timeout: int
    idempotent: bool
    approval: Sequence[Approval]
    grants: Mapping[str, Level] | None
    preview: Function | None
    validate: Function | None
    look_up: Function | None
    one_open_per: str | Sequence[str]
    one_running_per: str | Sequence[str]
    undo: Undo | None
    limits: Limits
    moves_money: bool | None
    same_file: SameFile
    break_glass: BreakGlass | None
    slack: InSlack
    outputs: Mapping[str, type] | None
    also: Sequence[object]
    resources: Sequence[Resource]
    slug: str | None


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
    moves_money: bool | None = None
    same_file: str = ""
    break_glass: BreakGlass | None = None
    slack: InSlack = ONLY_A_LINK
    outputs: Mapping[str, type] = field(default_factory=lambda: MappingProxyType({}))
    resources: tuple[Resource, ...] = ()
    kind: TaskKind = FUNCTION
    file: str = ""
    line: int = 0
    source_hash: str = ""

    @property
    def exclusive(self) -> tuple[str, ...]:
        """The parameters that two runs may not share at once, in either way."""
        return self.one_open_per or self.one_running_per


def names(given: Any) -> Any:  # noqa: ANN401 -- whatever an author has written
    """One name, or several, as several; anything else as it is, for a check to find."""
    if isinstance(given, str):
        return (given,)
    return tuple(given) if isinstance(given, (list, tuple, set, frozenset)) else given


def listed(given: Any) -> Any:  # noqa: ANN401
    """A list as a tuple; anything else as it is."""
    return tuple(given) if isinstance(given, (list, tuple)) else given


def read_only(given: Any) -> Any:  # noqa: ANN401
    """A dict that nobody changes any more; anything else as it is."""
    return MappingProxyType(dict(given)) if isinstance(given, Mapping) else given
