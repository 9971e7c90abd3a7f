"""From a function's type hints to the parameters that people fill in."""

import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from django.core.exceptions import ValidationError

from tasks.declaration.calling import required_by
from tasks.parameters.errors import DeclarationError
from tasks.parameters.kinds import Kind, kind_of
from tasks.parameters.kinds.base import shown
from tasks.parameters.param import Param, listed, takes_one
from tasks.parameters.words import words

RUN = "TaskRun"
OR_A_RUN = re.compile(rf"\b{RUN}\b\s*\||\|\s*([\w.]*\.)?{RUN}\b|Optional\[([\w.]*\.)?{RUN}\b")
SUMS_BY = 'Write a name and a function of the value: {"customer": lambda p: p.customer}.'
# What approval rules call other things: see tasks/rules/conditions.py.
TAKEN = ("requester", "requester_groups", "door", "task")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a task asks for.

    `optional` says that it may be None; `required`, that a person must give it when they see it.
    """

    name: str
    kind: Kind
    required: bool
    optional: bool
    default: Any
    label: str
    help: str
    param: Param

    @property
    def inputs(self) -> list[str]:
        """The names under which a page sends the value."""
        return self.kind.inputs(self.name)

    @property
    def may_be_none(self) -> bool:
        """Whether the function may get None: nothing was given, or the question did not arise."""
        return self.optional or bool(self.param.only_if)


def read(function: Callable[..., object]) -> list[Parameter]:
    """The parameters of a task's function, in order. Raises DeclarationError."""
    return list(_read(inspect.unwrap(function)))


@cache  # a list of runs reads the same function for each row
def _read(function: Callable[..., object]) -> tuple[Parameter, ...]:
    declared = dict(_declared(function))
    hints = _hints(function, declared)
    parameters = tuple(_parameter(each, hints[name]) for name, each in declared.items())
    _check_conditions(parameters)
    _check_names(parameters)
    _check_look_ups(parameters)
    _check_dependences(parameters)
    return parameters


def _declared(function: Callable[..., object]) -> Iterator[tuple[str, inspect.Parameter]]:
    for name, each in inspect.signature(function).parameters.items():
        if _is_run(each.annotation):
            continue
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise DeclarationError(
                f"{function.__name__} takes {each}, for which no form can be made.",
                "Write each parameter by its name, after no * and before no /.",
            )
        if each.annotation is each.empty:
            raise _without_hint(function, name)
        if OR_A_RUN.search(str(each.annotation)):
            raise DeclarationError(
                f"The parameter {name} may be a {RUN} and something else.",
                f"Write {name}: {RUN}, without None: each run has one.",
            )
        yield name, each


def _without_hint(function: Callable[..., object], name: str) -> DeclarationError:
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    if name in ("self", "cls") and owner and not owner.endswith("<locals>"):
        return DeclarationError(
            f"{function.__name__} is a method of {owner}.",
            "Write a function of the module instead: nobody would make the object.",
        )
    hint = RUN if name == "run" else "str"
    return DeclarationError(
        f"The parameter {name} has no type hint.", f"Write one, such as {name}: {hint}."
    )


def _is_run(annotation: object) -> bool:
    # By name, since a task's module may import TaskRun for type checkers only.
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return isinstance(name, str) and name.strip("\"'").rpartition(".")[2] == RUN


def _hints(
    function: Callable[..., object], declared: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    annotations = {name: each.annotation for name, each in declared.items()}
    try:
        return typing.get_type_hints(
            SimpleNamespace(__annotations__=annotations),
            globalns=getattr(function, "__globals__", {}),
            include_extras=True,
        )
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise DeclarationError(
            f"A type hint of {function.__name__} cannot be read: {error}.",
            "Import the type at the top of the module, outside `if TYPE_CHECKING`.",
        ) from error


def _parameter(declared: inspect.Parameter, hint: Any) -> Parameter:  # noqa: ANN401
    name = declared.name
    bare, params, optional = _unwrapped(hint)
    if len(params) > 1:
        raise DeclarationError(
            f"The parameter {name} has {len(params)} Param(...).", "Put them into one."
        )
    param = params[0] if params else Param()
    _check_sums_by(name, param)
    try:
        kind = kind_of(bare, param)
        has_default = declared.default is not declared.empty
        default = declared.default if has_default else None
        if has_default:
            _check_default(kind, default, optional=optional)
        _check_computed(kind, param, has_default=has_default)
    except DeclarationError as error:
        raise DeclarationError(f"The parameter {name}: {error.message}", error.hint) from error
    return Parameter(
        name=name,
        kind=kind,
        required=not (has_default or optional),
        optional=optional,
        default=default,
        label=param.label or words(name),
        help=param.help,
        param=param,
    )


def _check_computed(kind: Kind, param: Param, *, has_default: bool) -> None:
    """A default is written, or computed for the person: not both."""
    if param.default is None:
        return
    if not takes_one(param.default):
        raise DeclarationError(
            "default must be a function of the person, and of nothing else.",
            "Write default=today, with: def today(person): return date.today().",
        )
    if has_default or not kind.can_be_filled_in:
        what = "It has two defaults." if has_default else f"Nothing fills in {kind.what}."
        raise DeclarationError(what, "Take the one of Param out.")


def _check_sums_by(name: str, param: Param) -> None:
    if not isinstance(param.sums_by, Mapping):
        raise DeclarationError(f"sums_by of the parameter {name} is {param.sums_by!r}.", SUMS_BY)
    for other, function in param.sums_by.items():
        if not (str(other).isidentifier() and takes_one(function)):
            raise DeclarationError(
                f"sums_by of the parameter {name} says {other!r}: {function!r}.",
                SUMS_BY,
            )


def _unwrapped(hint: Any) -> tuple[Any, list[Param], bool]:  # noqa: ANN401
    """The type without aliases, Annotated and None; each Param on the way; whether None was."""
    if isinstance(hint, TypeAliasType):
        return _unwrapped(hint.__value__)
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        bare, params, optional = _unwrapped(inner)
        return bare, [*params, *(e for e in extras if isinstance(e, Param))], optional
    if get_origin(hint) in (Union, UnionType):
        rest = [part for part in get_args(hint) if part is not NoneType]
        if len(rest) == 1:
            bare, params, _ = _unwrapped(rest[0])
            return bare, params, True
    return hint, [], False


def _check_default(kind: Kind, default: object, *, optional: bool) -> None:
    if default is None and optional:
        return
    if not kind.accepts(default):
        advice = f"Write a default of the type {shown(kind.hint)}, or none."
        if default is None:
            advice = f"Write {shown(kind.hint)} | None, or another default."
        if isinstance(default, datetime) and kind.hint is datetime:
            advice = "Write it with a time zone, such as datetime(2026, 1, 31, tzinfo=UTC)."
        raise DeclarationError(f"{default!r} cannot be the default of {kind.what}.", advice)
    try:
        kind.check_default(default)
    except ValidationError as error:
        raise DeclarationError(
            f"The default {default!r} breaks the parameter's own rules: {' '.join(error.messages)}",
            "Write a default that keeps them.",
        ) from error


def _check_conditions(parameters: tuple[Parameter, ...]) -> None:
    # Only earlier ones, so that no two parameters wait for each other.
    earlier: dict[str, Parameter] = {}
    for parameter in parameters:
        for name, wanted in parameter.param.only_if.items():
            if name not in earlier:
                raise DeclarationError(
                    f"only_if of the parameter {parameter.name} names {name!r}, and no parameter "
                    "before it has that name.",
                    f"Names before it: {', '.join(earlier) or 'none'}.",
                )
            for value in listed(wanted):
                if not earlier[name].kind.can_be(value):
                    raise DeclarationError(
                        f"only_if of the parameter {parameter.name} waits for {name} to be "
                        f"{value!r}, which it can never be.",
                        f"Write a value that {name} can have; it must be a choice, a yes or no, "
                        "a text or a whole number.",
                    )
        earlier[parameter.name] = parameter


def _check_dependences(parameters: tuple[Parameter, ...]) -> None:
    """`depends_on` is called with other parameters by their names."""
    known = {p.name for p in parameters if p.kind.can_be_filled_in}
    for parameter in parameters:
        narrow = parameter.param.depends_on
        if narrow is None:
            continue
        named = required_by(partial(narrow, None))
        if not named or named - (known - {parameter.name}):
            raise DeclarationError(
                f"depends_on of the parameter {parameter.name} takes "
                f"{', '.join(sorted(named)) or 'no other parameter'}.",
                "Write a function of the QuerySet and of other parameters of the task, by their names.",
            )


def _check_look_ups(parameters: tuple[Parameter, ...]) -> None:
    """`rows` is called with other parameters by their names."""
    known = {parameter.name for parameter in parameters}
    for parameter in parameters:
        if parameter.param.rows is not None:
            unknown = required_by(parameter.param.rows) - (known - {parameter.name})
            if unknown:
                raise DeclarationError(
                    f"rows of the parameter {parameter.name} takes {', '.join(sorted(unknown))}, and "
                    "the task has no such other parameter.",
                    f"The task's parameters are {', '.join(sorted(known))}.",
                )


def _check_names(parameters: tuple[Parameter, ...]) -> None:
    taken: dict[str, str] = {}
    for parameter in parameters:
        names = [
            *parameter.inputs,
            *parameter.kind.rule_types(parameter.name),
            *parameter.param.sums_by,
        ]
        for name in dict.fromkeys(names):
            if name in TAKEN:
                raise DeclarationError(
                    f"The parameter {parameter.name} uses the name {name!r}, which means something "
                    "else in approval rules.",
                    f"Choose another name. These are taken: {', '.join(TAKEN)}.",
                )
            if other := taken.get(name):
                raise DeclarationError(
                    f"The parameters {other} and {parameter.name} both use the name {name!r}.",
                    "Rename one of them.",
                )
            taken[name] = parameter.name
