"""Promise 2: nothing is lost. What should have gone on by itself has done so."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(2)
def no_run_is_left_by_its_worker(evidence: Evidence) -> Iterator[str]:
    """No run is running whose lease ran out longer ago than the grace."""
    for run, worker, until in evidence.rows("""
        SELECT id, worker, lease_until FROM tasks_run
        WHERE status = 'running' AND lease_until < now() - %(grace)s ORDER BY lease_until
    """):
        yield f"Run {run} was left alone by {worker}, last heard of for {until}."


@invariant(2)
def no_run_is_stuck_in_the_queue(evidence: Evidence) -> Iterator[str]:
    """No run is queued that a worker could have taken longer ago than the grace."""
    for run, since in evidence.rows("""
        SELECT id, greatest(queued_at, due_at, requested_at) AS since FROM tasks_run
        WHERE NOT EXISTS (SELECT FROM tasks_stop stop, tasks_task task
                WHERE task.id = task_id AND stop.ended_at IS NULL AND (stop.scope = 'everything'
                    OR stop.task_id = task.id
                    OR (stop.scope = 'category' AND stop.category = task.category)
                    OR (stop.scope = 'money' AND task.moves_money)))
            AND status = 'queued' AND greatest(queued_at, due_at, requested_at) < now() - %(grace)s
        ORDER BY since
    """):
        yield f"Run {run} waits for a worker since {since}."


@invariant(3)
def nothing_began_while_it_was_stopped(evidence: Evidence) -> Iterator[str]:
    """No worker took a run while its task was stopped."""
    for run, began, stop in evidence.rows("""
        SELECT version.id, version.recorded_at, stop.id
        FROM tasks_historicalrun version JOIN tasks_task task ON task.id = version.task_id
        JOIN tasks_stop stop ON stop.scope = 'everything' OR stop.task_id = task.id
            OR (stop.scope = 'category' AND stop.category = task.category)
            OR (stop.scope = 'money' AND task.moves_money)
        WHERE version.status = 'running' AND version.started_at > stop.stopped_at
            AND version.started_at < coalesce(stop.ended_at, 'infinity')
        ORDER BY version.id
    """):
        yield f"Run {run} began at {began}, while stop {stop} stood."


@invariant(2)
def no_request_outlives_its_time(evidence: Evidence) -> Iterator[str]:
    """No request waits that expired longer ago than the grace."""
    for request, until in evidence.rows("""
        SELECT id, expires_at FROM approvals_approvalrequest
        WHERE status = 'pending' AND expires_at < now() - %(grace)s ORDER BY expires_at
    """):
        yield f"Request {request} still waits, although it expired at {until}."
