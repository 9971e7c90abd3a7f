"""What is wrong in a declaration: `python manage.py check` shows it and stops."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from tasks.declaration.declared import LEVELS, SAME_FILE, Approval, RegisteredTask
from tasks.declaration.durations import problems_of_times
from tasks.declaration.tickets import problem_of_pattern


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a declaration. `python manage.py check` shows it and stops."""

    file: str
    line: int
    message: str
    hint: str


def problems_in(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    """What is wrong with one task, taken alone, and what to write instead."""
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
    if task.same_file not in SAME_FILE:
        yield (
            f"same_file of the task {label} is {task.same_file!r}.",
            'Write "warn", "refuse" or "allow".',
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


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
