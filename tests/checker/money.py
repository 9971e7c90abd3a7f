"""Promise 1: money moves at most once for each approved run and step; doubt is shown."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(1, needs_ledger=True)
def each_movement_belongs_to_a_step(evidence: Evidence) -> Iterator[str]:
    """Each movement of money at the provider was sent by one step of one run."""
    for moved, amount, currency, key in evidence.rows("""
        SELECT moved.id, moved.amount, moved.currency, moved.idempotency_key
        FROM {ledger} moved
        WHERE NOT EXISTS (
            SELECT FROM tasks_effect step WHERE step.key = moved.idempotency_key)
        ORDER BY moved.id
    """):
        sent = f"under the key {key}" if key else "without a key"
        yield f"{moved} moved {amount} {currency} (smallest unit) {sent}, and no run knows it."


@invariant(1, needs_ledger=True)
def no_key_moves_money_twice(evidence: Evidence) -> Iterator[str]:
    """No key stands under two movements of money."""
    for key, moved in evidence.rows("""
        SELECT idempotency_key, string_agg(id, ', ' ORDER BY id) FROM {ledger} moved
        WHERE idempotency_key <> '' GROUP BY idempotency_key HAVING count(*) > 1
    """):
        yield f"The key {key} moved money more than once: {moved}."


@invariant(1)
def no_step_is_written_twice(evidence: Evidence) -> Iterator[str]:
    """A run has each of its steps once, and no two steps have the same key."""
    for runs, steps, keys in evidence.rows("""
        SELECT string_agg(DISTINCT run_id::text, ', '), string_agg(DISTINCT step, ', '),
            string_agg(DISTINCT key, ', ')
        FROM (SELECT *, count(*) OVER (PARTITION BY run_id, step) > 1
                OR count(*) OVER (PARTITION BY key) > 1 AS twice FROM tasks_effect) step
        WHERE twice GROUP BY run_id, step
    """):
        yield f"Run {runs} has the step “{steps}”, and its key {keys}, not for itself alone."


@invariant(1, needs_ledger=True)
def what_moved_is_what_was_asked(evidence: Evidence) -> Iterator[str]:
    """The amount and currency of each movement stand among the parameters of its run, if any do."""
    # Amounts are stored with exactly the decimals of their currency: without the point they count
    # its smallest unit, as the provider does.
    for run, moved, amount, currency, asked in evidence.rows("""
        SELECT step.run_id, moved.id, moved.amount, moved.currency, asked.texts
        FROM {ledger} moved
        JOIN tasks_effect step ON step.key = moved.idempotency_key
        JOIN tasks_run run ON run.id = step.run_id
        CROSS JOIN LATERAL (
            SELECT string_agg((money ->> 'amount') || ' ' || (money ->> 'currency'), ', ') AS texts,
                bool_or(replace(money ->> 'amount', '.', '') = moved.amount::text
                    AND lower(money ->> 'currency') = lower(moved.currency)) AS one_fits
            FROM jsonb_path_query(run.values, 'strict $.** ? (
                @.type() == "object" && @.amount.type() == "string"
                && @.currency.type() == "string")') money
        ) asked
        WHERE NOT asked.one_fits ORDER BY moved.id
    """):
        yield (
            f"Run {run} asked for {asked}, and {moved} moved {amount} {currency} (smallest unit)."
        )


@invariant(1, needs_ledger=True)
def each_answer_is_true(evidence: Evidence) -> Iterator[str]:
    """What a run recorded as Stripe's answer stands in Stripe's ledger under its key, same amount."""
    for run, step, answer in evidence.rows("""
        SELECT run_id, step, answer ->> 'id' FROM tasks_effect step
        WHERE answered_at IS NOT NULL AND NOT refused AND answer ->> 'id' ~ '^(re|tr|cbtxn)_'
            AND NOT EXISTS (
                SELECT FROM {ledger_afterwards} moved
                WHERE moved.id = answer ->> 'id' AND moved.idempotency_key = step.key
                    AND moved.amount::text = replace(answer ->> 'amount', '.', ''))
        ORDER BY step.id
    """):
        yield f"Run {run} says that “{step}” made {answer}, and the provider's ledger does not."


@invariant(1, needs_ledger=True)
def nobody_denies_what_moved(evidence: Evidence) -> Iterator[str]:
    """No step is written down as refused, and no run as failed without an answer, if money moved."""
    for run, status, step, moved in evidence.rows("""
        SELECT run.id, run.status, step.step, moved.id
        FROM {ledger} moved
        JOIN tasks_effect step ON step.key = moved.idempotency_key
        JOIN tasks_run run ON run.id = step.run_id
        WHERE step.refused OR (step.answered_at IS NULL AND run.status IN
            ('failed', 'cancelled', 'stale', 'rejected', 'expired'))
        ORDER BY moved.id
    """):
        yield f"Run {run} is {status} and says that “{step}” did not happen, but {moved} did."


@invariant(1)
def no_doubt_is_hidden(evidence: Evidence) -> Iterator[str]:
    """A run that is over has an answer to each of its steps, unless a person settled it."""
    for run, status, step in evidence.rows("""
        SELECT run.id, run.status, step.step
        FROM tasks_run run JOIN tasks_effect step ON step.run_id = run.id
        WHERE step.answered_at IS NULL
            AND run.status NOT IN ('awaiting', 'queued', 'running', 'uncertain')
            AND NOT EXISTS (
                SELECT FROM {story} version
                WHERE version.kind = 'run' AND version.id = run.id AND version.status = run.status
                    AND version.before = 'uncertain' AND version.person_id IS NOT NULL)
        ORDER BY step.id
    """):
        yield f"Run {run} is {status}, but nobody knows whether “{step}” happened."


@invariant(1)
def no_step_before_the_start(evidence: Evidence) -> Iterator[str]:
    """Only runs that a worker has claimed have steps or log lines."""
    for run, status in evidence.rows("""
        SELECT run.id, run.status FROM tasks_run run
        WHERE (run.attempt = 0 OR run.started_at IS NULL)
            AND (EXISTS (SELECT FROM tasks_effect step WHERE step.run_id = run.id)
                OR EXISTS (SELECT FROM tasks_logline line WHERE line.run_id = run.id))
        ORDER BY run.id
    """):
        yield f"Run {run} is {status} and was never claimed, but something was done for it."
