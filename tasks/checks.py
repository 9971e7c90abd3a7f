"""System checks of tasks: what is wrong in a declaration, in which file and line, what to do."""

import inspect
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError

from approvals.models import SlackMode
from tasks import parameters
from tasks.declaration.calling import required_by
from tasks.declaration.registry import RegisteredTask, UnknownTask, registry
from tasks.declaration.resources import problems_of_resources
from tasks.declaration.source import made_when_imported
from tasks.declaration.tickets import PLACE
from tasks.outputs.annotations import types_not_shown
from tasks.parameters import Money
from tasks.queue import kill_points
from tasks.rules.conditions import check_condition, names_for
from tasks.runs.output_values import READ, ROWS, names_of

CLOCKS: Final = ("today", "now", "utcnow", "localdate", "localtime", "database_now")


@register("tasks")
def check_tasks(**_: object) -> list[CheckMessage]:
    """Everything that is wrong in the code of the tasks."""
    found: list[CheckMessage] = [
        _error("E001", problem.file, problem.line, problem.message, problem.hint)
        for problem in registry.problems
    ]
    for task in registry.all():
        found += _of_task(task)
    return found


@register("tasks")
def check_ticket_url(**_: object) -> list[CheckMessage]:
    """The address of tickets is one that a page may link to, with a place for the number."""
    address = settings.TICKET_URL
    if not address or (address.startswith(("https://", "http://")) and PLACE in address):
        return []
    return [
        Error(
            f"TICKET_URL is {address!r}.",
            hint="Write an address such as https://support.example.com/tickets/{ticket}.",
            id="tasks.E011",
        )
    ]


@register("tasks")
def check_confirmation_limits(**_: object) -> list[CheckMessage]:
    """Up to which amounts people may skip a page: an amount for each currency."""
    return [
        Error(
            f"CONFIRMATION_LIMITS has {currency}={amount}.",
            hint="Write currencies and amounts, such as USD=50,JPY=5000.",
            id="tasks.E016",
        )
        for currency, amount in settings.CONFIRMATION_LIMITS.items()
        if not _is_amount(amount, currency)
    ]


def _is_amount(amount: str, currency: str) -> bool:
    try:
        Money(Decimal(amount), currency)
    except (ValueError, ArithmeticError):
        return False
    return True


@register("tasks")
def check_resources(**_: object) -> list[CheckMessage]:
    """Each resource has a name of its own, and its secrets come from the environment."""
    return [
        _error(
            "E023",
            resource.file,
            resource.line,
            problem,
            'Give each its own name, and write token=Env("CRM_TOKEN").',
        )
        for resource, problem in problems_of_resources()
    ]


@register("tasks", deploy=True)
def check_kill_points(**_: object) -> list[CheckMessage]:
    """An error where processes may be told to die, for a deployment."""
    if not os.environ.get(kill_points.VARIABLE):
        return []
    return [
        Error(
            f"{kill_points.VARIABLE} is set: whoever writes into that folder kills web and worker.",
            hint="Remove it from the environment. It is for tests.",
            id="tasks.E010",
        )
    ]


def _of_task(task: RegisteredTask) -> Iterator[CheckMessage]:
    yield from _of_timeout(task)
    yield from _of_kind(task)
    try:
        declared = parameters.read(task.function)
    except parameters.DeclarationError as error:
        # Without parameters there is nothing to hold the rest against.
        yield _of(task, "E002", error.message, error.hint)
        return
    yield from _of_companions(task, {p.name for p in declared})
    yield from _of_conditions(task, declared)
    yield from _of_exclusion(task, declared)
    yield from _of_undo(task)
    yield from _of_slack(task)
    yield from _of_outputs(task, declared)
    yield from _of_defaults(task)
    yield from _of_returned(task)


def _of_kind(task: RegisteredTask) -> Iterator[CheckMessage]:
    """What the kind of a task finds, such as a query that its database does not understand."""
    for found in task.kind.check(task) if task.kind.check else ():
        text = f"{found.file}:{found.line}: {found.message}"
        if found.is_warning:
            yield checks.Warning(text, hint=found.hint, id="tasks.W021")
        else:
            yield Error(text, hint=found.hint, id="tasks.E020")


def _of_defaults(task: RegisteredTask) -> Iterator[CheckMessage]:
    """A default that asks the clock is made once, when the process starts."""
    for name in made_when_imported(task.function, CLOCKS):
        yield _of(
            task,
            "E014",
            f"The default of {name} in {task.slug!r} is made when the process starts, and the same "
            "in every run.",
            f"Write {name}: date | None = None, and take the day in the function.",
        )


def _of_returned(task: RegisteredTask) -> Iterator[CheckMessage]:
    if names := types_not_shown(inspect.unwrap(task.function)):
        yield checks.Warning(
            f"{task.file}:{task.line}: {task.slug!r} says that it returns {' or '.join(names)}, for "
            "which there is no kind of output.",
            hint="Return a Table, KeyValue, Text, Markdown, JSON, Chart, File, Money, a dict, a list "
            "of dicts, a str or None.",
            id="tasks.W015",
        )


def _of_slack(task: RegisteredTask) -> Iterator[CheckMessage]:
    mode = str(task.slack.mode)
    if mode not in SlackMode.values:
        yield _of(
            task,
            "E013",
            f"slack of {task.slug!r} has the mode {mode!r}.",
            f"Write one of {', '.join(SlackMode.values)}.",
        )
    elif task.slack.up_to is not None and mode != SlackMode.DECIDE:
        yield _of(
            task,
            "E013",
            f"slack of {task.slug!r} says up to what it decides, and decides nothing.",
            'Write InSlack("decide", up_to=...), or leave up_to out.',
        )


def _of_outputs(
    task: RegisteredTask, declared: list[parameters.Parameter]
) -> Iterator[CheckMessage]:
    """What is returned is named as no parameter is, and of a type that conditions know."""
    unknown = [name for name, kind in task.outputs.items() if kind not in (*READ, parameters.Money)]
    if unknown:
        yield _of(
            task,
            "E012",
            f"outputs of {task.slug!r} gives {', '.join(unknown)} a type that no condition knows.",
            "Write bool, int, Decimal, str or Money.",
        )
        return
    taken = names_for(declared).keys() | {ROWS}
    names = [name for name in names_of(task.outputs) if name != ROWS or name in task.outputs]
    if wrong := [name for name in names if name in taken or not name.isidentifier()]:
        yield _of(
            task,
            "E012",
            f"outputs of {task.slug!r} uses {', '.join(wrong)}, which is no name for a condition, or "
            "means something else there.",
            f"Choose another name. These are taken: {', '.join(sorted(taken))}.",
        )


def _of_timeout(task: RegisteredTask) -> Iterator[CheckMessage]:
    limit = settings.TASK_TIMEOUT_LIMIT
    if task.timeout > limit:
        yield _of(
            task,
            "E003",
            f"The timeout of {task.slug!r} is {task.timeout} seconds, and workers end a run after "
            f"{limit}.",
            "Lower timeout=, or raise TASK_TIMEOUT_LIMIT in the settings.",
        )


def _of_companions(task: RegisteredTask, names: set[str]) -> Iterator[CheckMessage]:
    """Preview and validate are called with the parameters that they name."""
    for role, function in (("preview", task.preview), ("validate", task.validate)):
        unknown = required_by(function) - names if function else set()
        if unknown:
            yield _of(
                task,
                "E004",
                f"The {role} of {task.slug!r} takes {', '.join(sorted(unknown))}, and the task has "
                "no such parameter.",
                f"The task's parameters are {', '.join(sorted(names)) or 'none'}.",
            )


def _of_conditions(
    task: RegisteredTask, declared: list[parameters.Parameter]
) -> Iterator[CheckMessage]:
    for approval in task.approval:
        try:
            check_condition(approval.when, declared, with_people=False)
        except ValidationError as error:
            yield _of(
                task,
                "E005",
                f"The approval condition {approval.when!r} of {task.slug!r} cannot be used.",
                " ".join(error.messages),
            )


def _of_exclusion(
    task: RegisteredTask, declared: list[parameters.Parameter]
) -> Iterator[CheckMessage]:
    """What no two runs may share must be a parameter, and one that can be compared."""
    usable = [p.name for p in declared if p.kind.comparable]
    attribute = "one_open_per" if task.one_open_per else "one_running_per"
    for name in task.exclusive:
        if name not in usable:
            yield _of(
                task,
                "E006",
                f"{attribute} of {task.slug!r} names {name!r}, which is no parameter that two runs "
                "could be compared by.",
                f"Name one or several of {', '.join(usable) or 'none'}.",
            )


def _of_undo(task: RegisteredTask) -> Iterator[CheckMessage]:
    """What undoes a task must be a task, and have the parameters that are filled in."""
    if task.undo is None:
        return
    try:
        other = registry.get(task.undo.task)
        names = {p.name for p in parameters.read(other.function)}
    except UnknownTask as error:
        yield _of(task, "E007", f"undo of {task.slug!r} cannot be used.", str(error))
        return
    except parameters.DeclarationError:
        return  # E002 of the other one
    if unknown := set(task.undo.fill) - names:
        yield _of(
            task,
            "E007",
            f"undo of {task.slug!r} fills in {', '.join(sorted(unknown))}, and {other.slug!r} has "
            "no such parameter.",
            f"Its parameters are {', '.join(sorted(names)) or 'none'}.",
        )


def _of(task: RegisteredTask, number: str, message: str, hint: str) -> CheckMessage:
    return _error(number, task.file, task.line, message, hint)


def _error(number: str, file: str, line: int, message: str, hint: str) -> CheckMessage:
    return Error(f"{file}:{line}: {message}", hint=hint, id=f"tasks.{number}")
