"""What a worker does with a run's id. The only way into a task's function."""

import logging
import os
import socket
import traceback
from dataclasses import replace
from functools import partial
from typing import Any, Final

from django.db import connection
from django.template.defaultfilters import pluralize

from approvals import actions as approvals
from approvals.actions import escalate_due, expire_due, notify_of_stuck, remind_due
from audit.context import Door, acting
from tasks.access.restores import is_held
from tasks.actions.runs.lifecycle import Outcome, finish_run, give_up_late, start_run
from tasks.actions.runs.lost_runs import enqueue_again, recover_lost_runs
from tasks.actions.runs.pauses import expire_pauses
from tasks.actions.runs.search_words import complete_words
from tasks.declaration.calling import call_task
from tasks.declaration.errors import Busy, Cancelled, OutcomeUnknown, Paused, Refused, Stopped
from tasks.declaration.registry import registry
from tasks.declaration.texts import said
from tasks.models import Run
from tasks.outputs.serialization import Kept, kept, unreadable
from tasks.queue import messages
from tasks.queue.kill_points import killpoint
from tasks.queue.outages import OUTAGE, is_outage, patiently
from tasks.queue.processes import is_to_stop
from tasks.runs.previews import PreviewTimedOut
from tasks.secrets import storage
from tasks.secrets.bounds import bounded
from tasks.secrets.masking import Redactor
from tasks.secrets.redaction import redacting
from tasks.worker import fitness
from tasks.worker.heartbeat import Heartbeat
from tasks.worker.interruption import Interruption
from tasks.worker.items import Report
from tasks.worker.log_buffer import LogBuffer
from tasks.worker.sessions import Sessions
from tasks.worker.task_run import TaskRun
from tasks.worker.writes import Writes

logger = logging.getLogger(__name__)

Status = Run.Status
LONGEST_TRACEBACK: Final = 100_000  # characters


def execute(run_id: str) -> str:
    """Run what this id stands for, at most once, and write down how it ended.

    Called by django-q2 with nothing but the id; a second call for the same run does nothing.
    Returns the state it left the run in, for the queue's own log.
    """
    sessions = Sessions()
    run = _claim(run_id, sessions)
    if run is None:
        return "nothing to do"
    with acting(user=run.requested_by, door=Door.WORKER), redacting(run) as redact:
        log_buffer = LogBuffer(run, redact)
        outcome = _outcome(run, log_buffer, sessions)
        sessions.restore()  # once more: it may have been stopped while it did so
        if sessions.lost:
            outcome = _with_loss(outcome, sessions.lost)
        outcome = _without_secrets(outcome, redact)
        return patiently(partial(_conclude, run, log_buffer, outcome))


def sweep() -> str:
    """What nobody else brings about. Called each minute, and when a worker starts.

    Requests that nobody decided expire, or are followed up; runs that lost their worker are found, and
    messages that vanished are sent again. Ended runs are found by what they returned. What is to be
    told and was not sent goes out, in its own lane. In a database that was restored, only runs that
    lost their worker are found.
    """
    if is_held():
        return f"restored: {recover_lost_runs(door=Door.SCHEDULE)} lost"
    expired = expire_due(door=Door.SCHEDULE) + expire_pauses(door=Door.SCHEDULE)
    lost = recover_lost_runs(door=Door.SCHEDULE)
    enqueued = enqueue_again(door=Door.SCHEDULE)
    followed_up = sum(
        each(door=Door.SCHEDULE) for each in (remind_due, escalate_due, notify_of_stuck)
    )
    messages.enqueue_pump()
    complete_words()
    return f"{expired} expired, {lost} lost, {enqueued} rung again, {followed_up} followed up"


def pump() -> str:
    """Send what is to be told. Called right after each transaction that has written something."""
    if is_held():
        return "restored"
    sessions = Sessions()
    try:
        return f"{approvals.pump(until=is_to_stop)} sent"
    finally:
        sessions.restore()  # a channel may be somebody else's code, like a task


def _claim(run_id: str, sessions: Sessions) -> Run | None:
    try:
        run = start_run(run_id, worker=f"{socket.gethostname()}:{os.getpid()}", door=Door.WORKER)
    except PreviewTimedOut as late:
        connection.close()  # it may have been in the middle of a statement
        give_up_late(run_id, within=str(late), door=Door.WORKER)
        return None
    except Exception:
        fitness.claim_failed(sessions)
        raise
    fitness.claim_went_well()
    return run


def _conclude(run: Run, log_buffer: LogBuffer, outcome: Outcome) -> str:
    killpoint("function-ended")
    log_buffer.flush()
    ended = finish_run(run.pk, attempt=run.attempt, outcome=outcome, door=Door.WORKER)
    killpoint("run-ended")
    return ended.value if ended else "not ours any more"


def _outcome(run: Run, log_buffer: LogBuffer, sessions: Sessions) -> Outcome:
    writes = Writes()
    return writes.said_of(_attempted(run, log_buffer, sessions, writes))


def _attempted(run: Run, log_buffer: LogBuffer, sessions: Sessions, writes: Writes) -> Outcome:
    try:
        with Interruption() as interruption, Heartbeat(run, log_buffer, interruption) as heartbeat:
            with writes.by(interruption):
                returned = _call(run, heartbeat, log_buffer, sessions)
            return _result(returned, log_buffer.redact)
    except messages.TimedOut:
        text = f"It took longer than {run.task.timeout} seconds and was ended."
        return Outcome(Status.FAILED, error=f"{text} The log shows how far it got.")
    except (Paused, Cancelled, Stopped) as stop:
        return _stopped(stop)
    except Refused as refusal:
        return Outcome(Status.FAILED, error=said(refusal), repeat=isinstance(refusal, Busy))
    except OutcomeUnknown as error:
        return Outcome(Status.UNCERTAIN, error=said(error), repeat=error.same_key)
    # Whatever a task raises must end its run, not the worker: SystemExit and the like included.
    except BaseException as error:
        trace = bounded(
            "".join(traceback.format_exception(error)), log_buffer.redact, LONGEST_TRACEBACK
        )
        logger.error("Run %s failed\n%s", run.pk, trace)
        return _fault(error, trace)


def _stopped(stop: Paused | Cancelled | Stopped) -> Outcome:
    if isinstance(stop, Paused):
        return Outcome(Status.PAUSED, error=said(stop), needs_look=stop.needs_look)
    return Outcome(Status.CANCELLED, error=said(stop))


def _fault(error: BaseException, trace: str) -> Outcome:
    if is_outage(error):
        text = f"The database was unreachable while it ran: {said(error)}".strip()
        return Outcome(Status.FAILED, error=text, traceback=trace, repeat=True)
    text = f"{type(error).__name__} in the task's code: {said(error)}"
    return Outcome(Status.FAILED, error=text, traceback=trace)


def _with_loss(outcome: Outcome, lost: str) -> Outcome:
    """No run has succeeded of which something was rolled back afterwards."""
    if outcome.status != Status.SUCCEEDED:
        return replace(outcome, error=f"{outcome.error} {lost}".strip())
    return Outcome(Status.FAILED, error=lost)


def _result(returned: Any, redact: Redactor) -> Outcome:  # noqa: ANN401 - whatever a task returns
    output = _kept(returned, redact)
    if isinstance(returned, Report) and returned.refused:
        refused = f"{returned.refused} item{pluralize(returned.refused)} failed."
        error = f"{refused} What is done stays done: see the items."
        return Outcome(Status.FAILED, output=output, error=error)
    return Outcome(Status.SUCCEEDED, output=output)


def _kept(returned: object, redact: Redactor) -> Kept:
    """What the run did is done: that its result cannot be read is no reason to call it failed."""
    try:
        return patiently(partial(kept, returned, redact))
    except OUTAGE as error:
        if is_outage(error):
            raise
        return unreadable(error)


def _without_secrets(outcome: Outcome, redact: Redactor) -> Outcome:
    """As it may be kept. The traceback already is."""
    return replace(outcome, error=bounded(outcome.error, redact))


def _call(run: Run, heartbeat: Heartbeat, log_buffer: LogBuffer, sessions: Sessions) -> Any:  # noqa: ANN401 - whatever a task returns
    registered = registry.get(run.task.slug)
    values = storage.typed_values(registered, run)
    try:
        with heartbeat.interruption.allowed():
            return call_task(registered, values, TaskRun(run, heartbeat, log_buffer))
    finally:
        # Before the heartbeat ends, which may wait for what an open transaction has locked.
        sessions.restore()
