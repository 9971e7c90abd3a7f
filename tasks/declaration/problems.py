"""What is wrong in a declaration: `python manage.py check` shows it and stops."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from tasks.declaration.declared import LEVELS, SAME_FILE, Approval, RegisteredTask
from tasks.declaration.durations import problems_of_times
from tasks.declaration.kinds import problems_of_kind
from tasks.declaration.shapes import (
    EXAMPLE,
    is_whole_number,
    problems_of_shapes,
    problems_of_values,
)
from tasks.declaration.tickets import problem_of_pattern

LONGEST: Final = {"name": 120, "category": 60, "owner": 80}  # characters, as rows have room for


def problems_in(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    """What is wrong with one task, taken alone, and what to write instead."""
    yield from _problems_of_names(task, repr(task.slug))
    shapes = list(problems_of_shapes(task))
    yield from shapes
    if shapes:
        return  # what follows takes the right types for granted
    yield from problems_of_values(task)
    yield from problems_of_kind(task)
    yield from _problems_of_pairs(task, repr(task.slug))
    yield from _problems_of_grants(task)
    for rule in task.approval:
        yield from _problems_of_approval(repr(task.slug), rule)


def _problems_of_names(task: RegisteredTask, label: str) -> Iterator[tuple[str, str]]:
    for attribute, most in LONGEST.items():
        value = getattr(task, attribute)
        if not (isinstance(value, str) and value.strip()):
            yield f"The task {label} has no {attribute}.", f'Write {attribute}="..." in its @task.'
        elif len(value) > most:
            yield (
                f"The {attribute} of the task {label} has {len(value)} characters.",
                f"Write at most {most}.",
            )
    if not task.description:
        yield f"The task {label} has no docstring.", _where_to_describe(task)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(task.slug)) or len(task.slug) > 80:
        yield (
            f"{label} cannot be the slug of a task.",
            'Use at most 80 small letters, digits and single hyphens: slug="issue-credit".',
        )
    if not is_whole_number(task.timeout):
        yield (
            f"The task {label} has the timeout {task.timeout!r}.",
            "Write a whole number of seconds above 0: timeout=60.",
        )


def _where_to_describe(task: RegisteredTask) -> str:
    advice = "Write one below the def line: people read it before they run the task."
    if "<locals>" in getattr(task.function, "__qualname__", ""):
        advice += " A decorator that stands below @task has to use functools.wraps."
    return advice


def _problems_of_pairs(task: RegisteredTask, label: str) -> Iterator[tuple[str, str]]:
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
    fill: object = task.undo.fill if task.undo else {"": print}
    if not isinstance(fill, Mapping) or not fill or not all(map(callable, fill.values())):
        yield (
            f"The undo of the task {label} does not say what is to be undone.",
            'Write undo=Undo("reverse-credit", fill={"credit": a_function_of_the_run}).',
        )


def _problems_of_grants(task: RegisteredTask) -> Iterator[tuple[str, str]]:
    for group, level in task.grants.items():
        if level not in LEVELS:
            yield (
                f"The task {task.slug!r} grants {group!r} the level {level!r}, which is unknown.",
                f"The levels are {', '.join(LEVELS)}.",
            )


def _problems_of_approval(label: str, rule: Approval) -> Iterator[tuple[str, str]]:
    if not rule.when.strip():
        yield f"An approval rule of the task {label} has no condition.", f"Write {EXAMPLE}."
    if not (rule.groups or rule.people):
        yield (
            f"An approval rule of the task {label} names nobody who could approve.",
            f"Name groups or people: {EXAMPLE}.",
        )
    if not is_whole_number(rule.needed):
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
