"""What a worker does with a run's id. The only way into a task's function."""

import logging
import os
import socket
import traceback
from typing import Any

from approvals.actions import expire_due
from audit.context import Door, acting
from tasks import outputs, parameters, queue, vault
from tasks.actions.effects import has_open_effects
from tasks.actions.runs import Outcome, finish_run, start_run
from tasks.calling import call_with
from tasks.errors import OutcomeUnknown, Refused
from tasks.models import Run
from tasks.registry import registry
from tasks.run import TaskRun

logger = logging.getLogger(__name__)

Status = Run.Status


def execute(run_id: str) -> str:
    """Run what this id stands for, at most once, and write down how it ended.

    Called by django-q2 with nothing but the id; a second call for the same run does nothing.
    Returns the state it left the run in, for the queue's own log.
    """
    run = start_run(run_id, worker=f"{socket.gethostname()}:{os.getpid()}", door=Door.WORKER)
    if run is None:
        return "nothing to do"
    with acting(user=run.requested_by, door=Door.WORKER):
        outcome = _outcome(run)
    finish_run(run.pk, attempt=run.attempt, outcome=outcome, door=Door.WORKER)
    return str(outcome.status)


def sweep() -> str:
    """What time alone brings about: requests that nobody decided expire. Called each minute."""
    return f"{expire_due(door=Door.SCHEDULE)} expired"


def _outcome(run: Run) -> Outcome:
    try:
        return Outcome(Status.SUCCEEDED, output=outputs.as_json(_call(run)))
    except queue.TimedOut:
        return _ended(run, f"It took longer than {run.task.timeout} seconds and was stopped.")
    except Refused as refusal:
        return Outcome(Status.FAILED, error=str(refusal))
    except OutcomeUnknown as error:
        return Outcome(Status.UNCERTAIN, error=str(error))
    # Whatever a task raises must end its run, not the worker: SystemExit and the like included.
    except BaseException as error:
        logger.exception("Run %s failed", run.pk)
        return _ended(run, f"{type(error).__name__} in the task's code: {error}", error)


def _ended(run: Run, text: str, error: BaseException | None = None) -> Outcome:
    trace = "".join(traceback.format_exception(error)) if error else ""
    if has_open_effects(run):
        return Outcome(
            Status.UNCERTAIN,
            error=f"{text} Something had been sent whose answer is not known.",
            traceback=trace,
        )
    return Outcome(Status.FAILED, error=text, traceback=trace)


def _call(run: Run) -> Any:  # noqa: ANN401 - whatever a task returns
    registered = registry.get(run.task.slug)
    values = parameters.thaw(
        parameters.read(registered.function),
        run.values,
        files=vault.read_file,
        secrets=vault.read_secret,
    )
    return call_with(registered.function, values, run=TaskRun(run))
