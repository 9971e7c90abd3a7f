"""Promises 3 and 5 for what a person makes of an uncertain run: by another person, agreed to, on record."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(3)
def nobody_resolves_their_own_run(evidence: Evidence) -> Iterator[str]:
    """Each settlement is by another person than the one who asked for the run, with a reason."""
    for resolution, run in evidence.rows("""
        SELECT settled.id, run.id FROM tasks_resolution settled
        JOIN tasks_run run ON run.id = settled.run_id
        WHERE settled.resolved_by_id = run.requested_by_id OR btrim(settled.reason) = ''
        ORDER BY settled.id
    """):
        yield f"Settlement {resolution} of run {run} is by its requester, or without a reason."


@invariant(3)
def each_resolution_was_agreed_to(evidence: Evidence) -> Iterator[str]:
    """A settlement that needed approval was applied after enough others than its author agreed."""
    for resolution, run, request in evidence.rows("""
        SELECT settled.id, settled.run_id, request.id FROM tasks_resolution settled
        JOIN approvals_approvalrequest request ON request.id = settled.approval_id
        WHERE settled.applied_at IS NOT NULL AND (
            request.status <> 'approved' OR request.requested_by_id <> settled.resolved_by_id
            OR EXISTS (SELECT FROM approvals_stage stage WHERE stage.request_id = request.id
                AND stage.needed > (SELECT count(DISTINCT yes.decided_by_id)
                    FROM approvals_decision yes WHERE yes.stage_id = stage.id
                        AND yes.verdict = 'approve'
                        AND yes.decided_by_id <> settled.resolved_by_id)))
        ORDER BY settled.id
    """):
        yield f"Settlement {resolution} of run {run} was applied without its request {request}."


@invariant(5)
def each_resolution_has_its_move(evidence: Evidence) -> Iterator[str]:
    """What was applied to an uncertain run has moved it: to its end, or back into the line."""
    for run, finding, applied, moves in evidence.rows("""
        WITH applied AS (
            SELECT run_id, CASE finding WHEN 'happened' THEN 'succeeded'
                WHEN 'did_not' THEN 'failed' ELSE 'queued' END AS status,
                string_agg(DISTINCT finding, ', ') AS findings, count(*) AS number
            FROM tasks_resolution WHERE applied_at IS NOT NULL GROUP BY 1, 2)
        SELECT applied.run_id, applied.findings, applied.number, count(version.history_id)
        FROM applied LEFT JOIN {timeline} version ON version.kind = 'run'
            AND version.id = applied.run_id AND version.status = applied.status
            AND version.before = 'uncertain' AND version.person_id IS NOT NULL
        GROUP BY 1, 2, 3 HAVING count(version.history_id) < applied.number ORDER BY 1
    """):
        yield f"Run {run} was settled ({finding}) {applied} times, and moved so {moves} times."


@invariant(5)
def each_resolution_is_in_the_history(evidence: Evidence) -> Iterator[str]:
    """Each settlement began in the history, by its author, with what was found."""
    for resolution, run in evidence.rows("""
        SELECT settled.id, settled.run_id FROM tasks_resolution settled
        WHERE 1 <> (SELECT count(*) FROM tasks_historicalresolution version
            WHERE version.id = settled.id AND version.history_type = '+'
                AND (version.run_id, version.finding, version.reason, version.history_user_id)
                    = (settled.run_id, settled.finding, settled.reason, settled.resolved_by_id))
        ORDER BY settled.id
    """):
        yield f"Settlement {resolution} of run {run} is not in the history as it is."
