"""Promise 5: each change of state is in the history once, with the person and the door."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(5)
def only_allowed_moves(evidence: Evidence) -> Iterator[str]:
    """In the history no run and no request makes a move that is not in the table."""
    for kind, thing, before, status in evidence.rows("""
        SELECT kind, id, coalesce(before, 'its beginning'), status FROM {timeline} version
        WHERE status IS DISTINCT FROM before
            AND (kind, coalesce(before, ''), status) NOT IN (
                ('run', '', 'awaiting'), ('run', '', 'queued'),
                ('run', 'awaiting', 'queued'), ('run', 'awaiting', 'rejected'),
                ('run', 'awaiting', 'returned'),
                ('run', 'awaiting', 'cancelled'), ('run', 'awaiting', 'expired'),
                ('run', 'queued', 'running'), ('run', 'queued', 'cancelled'),
                ('run', 'queued', 'stale'), ('run', 'queued', 'uncertain'),
                ('run', 'running', 'succeeded'), ('run', 'running', 'failed'),
                ('run', 'running', 'uncertain'), ('run', 'running', 'cancelled'),
                ('run', 'running', 'queued'),
                ('run', 'running', 'paused'), ('run', 'paused', 'queued'),
                ('run', 'paused', 'cancelled'), ('run', 'paused', 'expired'),
                ('run', 'paused', 'stale'), ('run', 'paused', 'uncertain'),
                ('run', 'uncertain', 'succeeded'), ('run', 'uncertain', 'failed'),
                ('run', 'uncertain', 'queued'),
                ('request', '', 'pending'),
                ('request', 'pending', 'approved'), ('request', 'pending', 'rejected'),
                ('request', 'pending', 'returned'),
                ('request', 'pending', 'withdrawn'), ('request', 'pending', 'expired'),
                ('request', 'approved', 'stale'))
        ORDER BY kind, id, history_id
    """):
        yield f"The {kind} {thing} went from {before} to {status}."


@invariant(5)
def each_change_is_written_once(evidence: Evidence) -> Iterator[str]:
    """History begins once, removes nothing, and repeats a state only to say that a stop or a pause was asked."""
    for kind, thing, row, status in evidence.rows("""
        SELECT kind, id, history_id, status FROM {timeline} version
        WHERE (status = before AND NOT stop_was_asked)
            OR (history_type = '+') <> (before IS NULL) OR history_type = '-'
        ORDER BY kind, id, history_id
    """):
        yield f"The {kind} {thing} has a row in its history too many: {row} ({status})."


@invariant(5)
def each_change_says_who_and_how(evidence: Evidence) -> Iterator[str]:
    """Each change names its door; those that only people make name the person, and the right one."""
    for kind, thing, row, status in evidence.rows("""
        SELECT kind, id, history_id, status FROM {timeline} version
        WHERE door NOT IN ('admin', 'api', 'slack', 'email', 'schedule', 'runbook', 'command',
                'worker', 'deploy')
            OR (before IS NULL AND person_id IS DISTINCT FROM requested_by_id)
            OR (person_id IS NULL AND (kind, before, status) IN (
                ('run', 'awaiting', 'queued'), ('run', 'awaiting', 'rejected'),
                ('run', 'awaiting', 'returned'),
                ('run', 'awaiting', 'cancelled'), ('run', 'queued', 'cancelled'),
                ('run', 'paused', 'queued'), ('run', 'paused', 'cancelled'),
                ('run', 'uncertain', 'succeeded'), ('run', 'uncertain', 'failed'),
                ('run', 'uncertain', 'queued'),
                ('request', 'pending', 'approved'), ('request', 'pending', 'rejected'),
                ('request', 'pending', 'returned'), ('request', 'pending', 'withdrawn')))
            OR (person_id = requested_by_id AND (kind, before, status) IN (
                ('run', 'awaiting', 'queued'), ('request', 'pending', 'approved'),
                ('run', 'uncertain', 'succeeded'), ('run', 'uncertain', 'failed'),
                ('run', 'uncertain', 'queued'))
                AND NOT (before = 'awaiting' AND EXISTS (
                    SELECT FROM tasks_emergency WHERE run_id = version.id AND by_id = person_id)))
        ORDER BY kind, id, history_id
    """):
        yield (
            f"Row {row} of the {kind} {thing} ({status}) does not say who did it and through which "
            "door, or names somebody who may not."
        )


@invariant(5)
def history_ends_where_things_stand(evidence: Evidence) -> Iterator[str]:
    """The newest row in the history of each run and request has the state that it is in."""
    for kind, thing, status, written in evidence.rows("""
        WITH newest AS (
            SELECT DISTINCT ON (kind, id) kind, id, status FROM {timeline} version
            ORDER BY kind, id, history_id DESC),
        live AS (
            SELECT 'run' AS kind, id, status FROM tasks_run
            UNION ALL SELECT 'request', id, status FROM approvals_approvalrequest)
        SELECT kind, id, coalesce(live.status, 'gone'), coalesce(newest.status, 'nothing')
        FROM live FULL JOIN newest USING (kind, id)
        WHERE live.status IS DISTINCT FROM newest.status ORDER BY kind, id
    """):
        yield f"The {kind} {thing} is {status}, and its history ends with {written}."


@invariant(5)
def each_claim_is_counted(evidence: Evidence) -> Iterator[str]:
    """A run was claimed as many times as it counts attempts, and each claim counts one more."""
    for run, attempt, claims in evidence.rows("""
        WITH claim AS (
            SELECT id, attempt, row_number() OVER (PARTITION BY id ORDER BY history_id) AS number
            FROM (SELECT *, lag(status) OVER (PARTITION BY id ORDER BY history_id) AS before
                FROM tasks_historicalrun) version
            WHERE status = 'running' AND before <> 'running')
        SELECT run.id, run.attempt, count(claim.id)
        FROM tasks_run run LEFT JOIN claim ON claim.id = run.id
        GROUP BY run.id, run.attempt
        HAVING count(claim.id) <> run.attempt OR bool_or(claim.attempt <> claim.number)
        ORDER BY run.id
    """):
        yield f"Run {run} is at attempt {attempt}, and its history has {claims} claims."


@invariant(5)
def history_is_in_order(evidence: Evidence) -> Iterator[str]:
    """Each row carries the database's stamp, and none is older than the row before it."""
    for kind, thing, row in evidence.rows("""
        SELECT kind, id, history_id FROM {timeline} version
        WHERE recorded_at IS NULL OR recorded_at < before_at ORDER BY kind, id, history_id
    """):
        yield f"Row {row} of the {kind} {thing} was not written when it says."


@invariant(5)
def each_decision_is_in_the_history(evidence: Evidence) -> Iterator[str]:
    """Each decision has one row in the history, which says the same and was written by its person."""
    for decision, request, rows in evidence.rows("""
        SELECT coalesce(decision.id, version.id), coalesce(decision.request_id, version.request_id),
            count(version.history_id)
        FROM approvals_decision decision
        FULL JOIN approvals_historicaldecision version ON version.id = decision.id
        GROUP BY 1, 2
        HAVING count(version.history_id) <> 1 OR count(decision.id) <> 1
            OR bool_or((decision.request_id, decision.stage_id, decision.decided_by_id,
                    decision.on_behalf_of_id, decision.verdict, decision.seal, decision.door, version.history_user_id)
                IS DISTINCT FROM (version.request_id, version.stage_id, version.decided_by_id,
                    version.on_behalf_of_id, version.verdict, version.seal, version.history_door, decision.decided_by_id))
        ORDER BY 1
    """):
        yield f"Decision {decision} on request {request} is not what its {rows} rows in history say."
