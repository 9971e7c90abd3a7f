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
    """A run has each of its steps once under each key it was given, and no two have the same key."""
    for runs, steps, keys in evidence.rows("""
        SELECT string_agg(DISTINCT run_id::text, ', '), string_agg(DISTINCT step, ', '),
            string_agg(DISTINCT key, ', ')
        FROM (SELECT *, count(*) OVER (PARTITION BY run_id, step, generation) > 1
                OR count(*) OVER (PARTITION BY key) > 1 AS twice FROM tasks_effect) step
        WHERE twice GROUP BY run_id, step
    """):
        yield f"Run {runs} has the step “{steps}”, and its key {keys}, not for itself alone."


@invariant(1, needs_ledger=True)
def no_step_moves_money_twice(evidence: Evidence) -> Iterator[str]:
    """Where a person gave a step a new key, money has moved under one of its keys at most."""
    for run, step, moved in evidence.rows("""
        SELECT step.run_id, step.step, string_agg(moved.id, ', ' ORDER BY moved.id)
        FROM {ledger} moved JOIN tasks_effect step ON step.key = moved.idempotency_key
        GROUP BY step.run_id, step.step HAVING count(DISTINCT step.key) > 1 ORDER BY 1, 2
    """):
        yield f"The step “{step}” of run {run} moved money under more than one key: {moved}."


@invariant(1, needs_ledger=True)
def nothing_moves_before_it_is_sent(evidence: Evidence) -> Iterator[str]:
    """No money has moved for a step of which it is written that it was not begun."""
    for run, step, moved in evidence.rows("""
        SELECT step.run_id, step.step, moved.id
        FROM {ledger} moved JOIN tasks_effect step ON step.key = moved.idempotency_key
        WHERE step.sent_at IS NULL ORDER BY moved.id
    """):
        yield f"Run {run} says that “{step}” was not begun, but {moved} moved."


@invariant(1)
def only_a_person_gives_a_new_key(evidence: Evidence) -> Iterator[str]:
    """A step has a further key only after one before it, and for a person who settled its run so."""
    for run, step, generation in evidence.rows("""
        SELECT run_id, step, generation FROM tasks_effect step
        WHERE generation > 1 AND (
            NOT EXISTS (SELECT FROM tasks_effect earlier WHERE earlier.run_id = step.run_id
                AND earlier.step = step.step AND earlier.generation = step.generation - 1)
            OR generation - 1 > (SELECT count(*) FROM tasks_resolution settled
                WHERE settled.run_id = step.run_id AND settled.finding = 'new_key'
                    AND settled.applied_at IS NOT NULL))
        ORDER BY step.id
    """):
        yield f"The step “{step}” of run {run} has key number {generation}, which nobody gave it."


@invariant(1)
def one_run_at_a_time(evidence: Evidence) -> Iterator[str]:
    """No two runs are running that may only run one after another."""
    for key, runs in evidence.rows("""
        SELECT concurrency_key, string_agg(id::text, ', ' ORDER BY id) FROM tasks_run
        WHERE status = 'running' AND concurrency_key <> ''
        GROUP BY concurrency_key HAVING count(*) > 1
    """):
        yield f"These runs are at “{key}” at the same time: {runs}."


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
            ('failed', 'cancelled', 'stale', 'rejected', 'returned', 'expired'))
        ORDER BY moved.id
    """):
        yield f"Run {run} is {status} and says that “{step}” did not happen, but {moved} did."


@invariant(1)
def no_doubt_is_hidden(evidence: Evidence) -> Iterator[str]:
    """A run that is over has an answer to each step that was begun, unless a person settled it."""
    for run, status, step in evidence.rows("""
        SELECT run.id, run.status, step.step
        FROM tasks_run run JOIN tasks_effect step ON step.run_id = run.id
        WHERE step.answered_at IS NULL AND step.sent_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM tasks_effect later WHERE later.run_id = step.run_id
                AND later.step = step.step AND later.generation > step.generation)
            AND run.status NOT IN ('awaiting', 'queued', 'running', 'paused', 'uncertain')
            AND NOT EXISTS (
                SELECT FROM {timeline} version
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
