"""Whether what an author said in `@task` is of the right kind: the rest cannot be looked at before."""

import inspect
import reprlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import NoneType
from typing import Any, Final

from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.declared import Approval, RegisteredTask, Undo
from tasks.declaration.limits import Limits
from tasks.declaration.resources import Resource
from tasks.declaration.slack import InSlack

EXAMPLE: Final = 'Approval("amount > 100", groups=["Support Managers"])'
# Each argument, its types, and what to write.
_SHAPES: Final[tuple[tuple[str, Any, str], ...]] = (
    ("idempotent", bool, "Write idempotent=True, or leave it out."),
    ("moves_money", (bool, NoneType), "Write moves_money=True, or leave it out."),
    ("approval", tuple, f"Write a list: approval=[{EXAMPLE}]."),
    ("grants", Mapping, 'Write grants={"Support": "request"}.'),
    ("outputs", Mapping, 'Write outputs={"flagged": int}.'),
    ("one_open_per", tuple, 'Write one_open_per="payment", or a list of names.'),
    ("one_running_per", tuple, 'Write one_running_per="payment", or a list of names.'),
    ("limits", Limits, "Write limits=Limits(first=5)."),
    ("slack", InSlack, 'Write slack=InSlack("decide", up_to=Decimal(100)).'),
    ("break_glass", (BreakGlass, NoneType), 'Write break_glass=BreakGlass("On call").'),
    ("undo", (Undo, NoneType), 'Write undo=Undo("reverse-credit", fill={"credit": a_function}).'),
)  # fmt: skip
_RULE: Final[tuple[tuple[str, Any, str], ...]] = (
    ("when", str, f"Write {EXAMPLE}."),
    ("name", str, 'Write name="Credits above 100".'),
    ("groups", tuple, 'Write groups=["Support Managers"].'),
    ("people", tuple, 'Write people=["mona"].'),
    ("escalate_to", tuple, 'Write escalate_to=["Support Managers"].'),
    ("limits", Limits, "Write limits=Limits(first=5)."),
    ("for_resolving", bool, "Write for_resolving=True, or leave it out."),
    ("may_serve_twice", bool, "Write may_serve_twice=True, or leave it out."),
    ("fresh_proof", bool, "Write fresh_proof=True, or leave it out."),
)


def problems_of_shapes(task: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- as it was written
    """Each argument of `@task` that is of a wrong type, and what to write."""
    label = repr(task.slug)
    for attribute, expected, advice in _SHAPES:
        value = getattr(task, attribute)
        if not _is(value, expected):
            yield f"{attribute} of the task {label} is {reprlib.repr(value)}.", advice
    for rule in task.approval if isinstance(task.approval, (tuple, list)) else ():
        if isinstance(rule, Approval):
            yield from _of_rule(label, rule)
        else:
            yield (
                f"An approval rule of the task {label} is {reprlib.repr(rule)}.",
                f"Write {EXAMPLE}.",
            )
    yield from _of_resources(task, label)
    yield from _of_functions(task, label)


def _of_rule(label: str, rule: Approval) -> Iterator[tuple[str, str]]:
    for attribute, expected, advice in _RULE:
        value = getattr(rule, attribute)
        if not _is(value, expected):
            yield (
                f"{attribute} of an approval rule of the task {label} is {reprlib.repr(value)}.",
                advice,
            )


def _of_resources(task: Any, label: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    given = task.resources
    if not isinstance(given, tuple) or not all(isinstance(each, Resource) for each in given):
        yield (
            f"resources of the task {label} is {reprlib.repr(given)}.",
            'Write a list of resources: crm = Resource("crm", ...), and resources=[crm].',
        )


def _is(value: object, expected: Any) -> bool:  # noqa: ANN401 -- a type, or several
    """Whether it is of the type; a tuple is one of names."""
    if expected is tuple:
        if not isinstance(value, (tuple, list)):
            return False
        return all(isinstance(each, (str, Approval)) for each in value)
    return isinstance(value, expected)


def _of_functions(task: Any, label: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if not callable(task.function) or inspect.isclass(task.function):
        yield f"The task {label} is no function.", "Write @task(...) above a def line."
    for attribute in ("preview", "validate", "look_up"):
        value = getattr(task, attribute)
        if value is not None and not callable(value):
            yield (
                f"The {attribute} of the task {label} is {reprlib.repr(value)}, which cannot be called.",
                f"Write {attribute}= and the name of a function, without parentheses.",
            )
    for attribute in ("function", "preview", "validate", "look_up"):
        if never := _is_never_run(getattr(task, attribute), lists=attribute == "preview"):
            yield (
                f"The {attribute} of the task {label} is {never}: called, it would do nothing.",
                "Write a plain def without async and yield.",
            )


def _is_never_run(function: Callable[..., Any] | None, *, lists: bool) -> str:
    """What makes it a function of which a call alone does nothing; empty for a plain one."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "async"
    return "a generator" if inspect.isgeneratorfunction(function) and not lists else ""


def problems_of_values(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    """What is of the right type in `@task` and cannot be: more than all, an empty group."""
    label = repr(task.slug)
    yield from _of_limits(f"limits of the task {label}", task.limits)
    for rule in task.approval:
        yield from _of_limits(f"limits of an approval rule of the task {label}", rule.limits)
    if task.break_glass is not None:
        yield from _of_glass(label, task.break_glass)
    if task.slack.up_to is not None and not is_amount(task.slack.up_to):
        yield (
            f"slack of the task {label} has up_to={task.slack.up_to!r}.",
            "Write an amount above 0: up_to=Decimal(100).",
        )


def _of_limits(what: str, limits: Limits) -> Iterator[tuple[str, str]]:
    for name in ("first", "failures", "percent"):
        value = getattr(limits, name)
        if not is_whole_number(value, least=0):
            yield f"{what} have {name}={value!r}.", f"Write a whole number: {name}=5."
        elif name == "percent" and value > 99:
            yield (
                f"{what} have percent={value}, which is never exceeded.",
                "Write a whole number below 100: percent=10.",
            )
    if limits.amount is not None and not is_amount(limits.amount):
        yield (
            f"{what} have amount={limits.amount!r}.",
            "Write an amount above 0: amount=Decimal(500).",
        )


def _of_glass(label: str, glass: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    right = isinstance(glass.group, str) and glass.group.strip() and is_whole_number(glass.per_day)
    if not right or (glass.up_to is not None and not is_amount(glass.up_to)):
        yield (
            f"break_glass of the task {label} is {reprlib.repr(glass)}.",
            'Write a group and whole numbers above 0: BreakGlass("On call", per_day=1, up_to=Decimal(100)).',
        )


def is_whole_number(value: object, *, least: int = 1) -> bool:
    """Whether it is an int, and no bool, of at least so much."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_amount(value: object) -> bool:
    """Whether it is an exact number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    return Decimal(value).is_finite() and value > 0
