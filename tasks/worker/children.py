"""A run that asks for a run of another task: with the rights, the rules and the approvals of that task."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import models, transaction

from audit.context import Door
from audit.transitions import Refusal
from tasks.actions.runs.drafts import InvalidValues
from tasks.actions.runs.requests import request_run, run_of_form
from tasks.declaration.errors import Refused
from tasks.models import Run, Task

DEEPEST: Final = 5  # runs that ask for runs, one below the other


@dataclass(frozen=True, slots=True)
class Child:
    """A run of another task that this one has asked for. `status` is as it is stored: "awaiting"."""

    id: UUID
    headline: str
    status: str


def request_child(
    run: Run, slug: str, step: str, because: str, values: Mapping[str, object]
) -> Child:
    """The child of this run under this task and step, asked for unless it is there.

    Raises Refused where it cannot be asked for, in words of the page of that task.
    """
    task = Task.objects.filter(slug=slug).first()
    if task is None:
        raise Refused(
            f"There is no task {slug!r}. Write the slug that its page has in its address."
        )
    if _depth(run) >= DEEPEST:
        raise Refused(
            f"At most {DEEPEST} runs request one another in a row. “{task}” was not requested."
        )
    with transaction.atomic():
        token = hashlib.sha256(f"{run.pk}:{slug}:{step}".encode()).hexdigest()
        child = run_of_form(token, person=run.requested_by)
        # What is refused is on record when this transaction ends, so it is raised after it.
        refused = None
        try:
            child = child or _requested(run, task, because, values, token)
        except (Refusal, InvalidValues) as error:
            refused = error
    if child is None:
        raise Refused(f"“{task}” could not be requested: {_why(refused)}")
    return Child(child.pk, child.headline, child.status)


def _requested(run: Run, task: Task, because: str, values: Mapping[str, object], token: str) -> Run:
    sent = {name: _as_sent(value) for name, value in values.items()}
    return request_run(
        task.pk,
        requested_by=run.requested_by,
        door=Door.TASK,
        values=sent,
        files=sent,
        reason=because or run.reason,
        ticket=run.ticket,
        form_token=token,
        called_by=run,
    )


def _as_sent(value: object) -> object:
    """A value as a form sends it: an object by its key."""
    return value.pk if isinstance(value, models.Model) else value


def _why(error: Exception | None) -> str:
    if isinstance(error, InvalidValues):
        return " ".join(
            f"{text}" if name == "__all__" else f"{name}: {text}"
            for name, texts in error.form.errors.items()
            for text in texts
        )
    return str(error)


def _depth(run: Run) -> int:
    depth, above = 0, run
    while above.called_by is not None and depth <= DEEPEST:
        depth, above = depth + 1, above.called_by
    return depth
