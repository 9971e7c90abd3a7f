"""Promises 1 to 3 for a run that pauses: it waits for somebody, and nobody goes past the look."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(2)
def each_paused_run_waits_for_somebody(evidence: Evidence) -> Iterator[str]:
    """A run is paused exactly while one pause of it is open, and no longer than that one waits."""
    for run, status, number in evidence.rows("""
        SELECT run.id, run.status, count(pause.id) FROM tasks_run run
        LEFT JOIN tasks_pause pause ON pause.run_id = run.id
            AND pause.resumed_at IS NULL AND pause.ended_at IS NULL
        GROUP BY run.id HAVING (run.status = 'paused') <> (count(pause.id) = 1)
            OR max(pause.waits_until) < now() - %(grace)s
        ORDER BY run.id
    """):
        yield f"Run {run} is {status}, with {number} open pauses, or waits for longer than it may."


@invariant(3)
def nobody_goes_on_without_the_look(evidence: Evidence) -> Iterator[str]:
    """Where somebody has to look, a run went on by another than its requester, who was asked."""
    for pause, run in evidence.rows("""
        SELECT pause.id, run.id FROM tasks_pause pause JOIN tasks_run run ON run.id = pause.run_id
        LEFT JOIN approvals_approvalrequest asked ON asked.id = pause.approval_id
        WHERE pause.needs_look AND pause.resumed_at IS NOT NULL AND (
            pause.resumed_by_id = run.requested_by_id
            OR (asked.id IS NOT NULL AND NOT EXISTS (
                SELECT FROM approvals_decision yes
                WHERE yes.request_id = asked.id AND yes.verdict = 'approve'
                    AND yes.decided_by_id <> run.requested_by_id)))
        ORDER BY pause.id
    """):
        yield f"Run {run} went on after pause {pause}, and nobody else had looked."


@invariant(1)
def no_item_beyond_the_first(evidence: Evidence) -> Iterator[str]:
    """Beyond the first items of a run nothing is begun before somebody has looked."""
    for run, first, tried in evidence.rows("""
        SELECT run.id, run.limits ->> 'first', count(item.id)
        FROM tasks_run run JOIN tasks_effect item ON item.run_id = run.id
            AND item.position IS NOT NULL AND item.generation = 1 AND item.sent_at IS NOT NULL
        WHERE run.limits ? 'first' AND NOT EXISTS (
            SELECT FROM tasks_pause pause WHERE pause.run_id = run.id AND pause.needs_look
                AND pause.resumed_at IS NOT NULL
                AND (pause.seen ->> 'tried')::int >= (run.limits ->> 'first')::int)
        GROUP BY run.id HAVING count(item.id) > (run.limits ->> 'first')::int ORDER BY run.id
    """):
        yield f"Run {run} has begun {tried} items, and nobody has looked at the first {first}."
