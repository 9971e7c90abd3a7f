"""For each invariant the statements that break it, and it alone.

%(paid)s is the id of the run of that name in conftest.py, %(paid_request)s that of its request.
"""

from typing import Final, LiteralString

type Breaks = dict[str, list[list[LiteralString]]]


def resolved(run: LiteralString, change: LiteralString) -> list[LiteralString]:
    """The settlement of this run changed, in its row and in the history alike."""
    return [
        f"UPDATE {table} settled SET {change} WHERE run_id = {run}"  # noqa: S608 - of this file
        for table in ("tasks_resolution", "tasks_historicalresolution")
    ]


WHO_ASKED: Final = "(SELECT requested_by_id FROM tasks_run WHERE id = settled.run_id)"

OF_MONEY: Final[Breaks] = {
    "only_a_person_gives_a_new_key": [
        [
            """INSERT INTO tasks_effect (run_id, step, generation, key, sent_at, refused)
            SELECT run_id, step, 2, key || '-2', now(), false FROM tasks_effect
            WHERE run_id = %(uncertain)s"""
        ],
        # Of the first key there is no trace.
        ["UPDATE tasks_effect SET generation = 2 WHERE run_id = %(uncertain)s"],
        # An answer under the second key: there is no doubt about the first, which a person settled.
        [
            """INSERT INTO tasks_effect (run_id, step, generation, key, sent_at, answered_at, refused)
            VALUES (%(small)s, 'pay', 1, 'first', now(), NULL, false),
                (%(small)s, 'pay', 2, 'second', now(), now(), true)"""
        ],
    ],
    "one_run_at_a_time": [
        [
            "DROP INDEX one_run_at_a_time",
            """UPDATE tasks_run SET concurrency_key = 'payment 1'
            WHERE id IN (%(running)s, %(stopping)s)""",
        ],
    ],
    "no_step_is_written_twice": [
        [
            "ALTER TABLE tasks_effect DROP CONSTRAINT effect_once",
            """INSERT INTO tasks_effect (run_id, step, key, sent_at, answered_at, refused)
            SELECT run_id, step, key || '-again', now(), now(), true FROM tasks_effect
            WHERE run_id = %(paid)s""",
        ],
    ],
    "no_doubt_is_hidden": [
        ["UPDATE tasks_effect SET answered_at = NULL WHERE run_id = %(paid)s"],
        # Settled by nobody: it went from running to failed at once.
        [
            "UPDATE tasks_run SET status = 'failed' WHERE id = %(uncertain)s",
            """UPDATE tasks_historicalrun SET status = 'failed'
            WHERE id = %(uncertain)s AND status = 'uncertain'""",
        ],
    ],
    "no_step_before_the_start": [
        [
            """INSERT INTO tasks_logline (run_id, attempt, at, text)
            VALUES (%(queued)s, 1, now(), 'Done')"""
        ],
        [
            """INSERT INTO tasks_effect (run_id, step, key, sent_at, answered_at, refused)
            VALUES (%(awaiting)s, 'pay', 'too early', now(), now(), true)"""
        ],
    ],
}

OF_WAITING: Final[Breaks] = {
    "no_run_is_left_by_its_worker": [
        ["UPDATE tasks_run SET lease_until = now() - interval '6 min' WHERE id = %(running)s"],
    ],
    "no_run_is_stuck_in_the_queue": [
        [
            """UPDATE tasks_run SET queued_at = now() - interval '6 min',
            requested_at = now() - interval '6 min' WHERE id = %(queued)s"""
        ],
    ],
    "no_request_outlives_its_time": [
        [
            """UPDATE approvals_approvalrequest SET expires_at = now() - interval '6 min'
            WHERE id = %(awaiting_request)s"""
        ],
    ],
}

OF_CONSENT: Final[Breaks] = {
    "an_emergency_is_reviewed": [
        ["DELETE FROM tasks_stop", "DELETE FROM tasks_historicalstop"],
        # It was started again before.
        [
            """UPDATE tasks_stop SET ended_at = review.closed_at - interval '1 us',
            stopped_at = review.closed_at - interval '2 us'
            FROM tasks_emergency, approvals_approvalrequest review
            WHERE review.id = tasks_emergency.review_id""",
            """UPDATE tasks_historicalstop kept SET ended_at = stop.ended_at,
            stopped_at = stop.stopped_at FROM tasks_stop stop WHERE stop.id = kept.id""",
        ],
    ],
    "nothing_began_while_it_was_stopped": [
        [
            """INSERT INTO tasks_stop (scope, category, reason, stopped_by_id, stopped_at)
            SELECT 'everything', '', 'x', requested_by_id, started_at - interval '1 second'
            FROM tasks_run WHERE id = %(running)s"""
        ],
    ],
    "run_and_request_end_together": [
        [
            """UPDATE approvals_approvalrequest SET status = 'pending'
            WHERE id = %(rejected_request)s""",
            "DELETE FROM approvals_historicalapprovalrequest WHERE status = 'rejected'",
        ],
    ],
    "what_went_on_was_approved": [
        [
            "UPDATE approvals_approvalrequest SET status = 'pending' WHERE id = %(paid_request)s",
            """DELETE FROM approvals_historicalapprovalrequest
            WHERE id = %(paid_request)s AND status = 'approved'""",
        ],
        [
            "UPDATE approvals_approvalrequest SET status = 'stale' WHERE id = %(paid_request)s",
            """INSERT INTO approvals_historicalapprovalrequest
            SELECT (jsonb_populate_record(version, jsonb_build_object('status', 'stale',
                'history_id', nextval(pg_get_serial_sequence(
                    'approvals_historicalapprovalrequest', 'history_id'))))).*
            FROM approvals_historicalapprovalrequest version
            WHERE id = %(paid_request)s AND status = 'approved'""",
        ],
    ],
    "who_agreed_had_proved_it": [
        ["UPDATE approvals_stage SET fresh_proof = true WHERE request_id = %(paid_request)s"],
    ],
    "nothing_refused_goes_on": [
        [
            "UPDATE approvals_approvalrequest SET status = 'rejected' WHERE id = %(paid_request)s",
            """UPDATE approvals_historicalapprovalrequest SET status = 'rejected'
            WHERE id = %(paid_request)s AND status = 'approved'""",
        ],
        [
            "UPDATE approvals_approvalrequest SET status = 'withdrawn' WHERE id = %(paid_request)s",
            """UPDATE approvals_historicalapprovalrequest SET status = 'withdrawn'
            WHERE id = %(paid_request)s AND status = 'approved'""",
        ],
        [
            "UPDATE approvals_approvalrequest SET status = 'expired' WHERE id = %(paid_request)s",
            """UPDATE approvals_historicalapprovalrequest SET status = 'expired'
            WHERE id = %(paid_request)s AND status = 'approved'""",
        ],
    ],
    "enough_people_agreed": [
        ["UPDATE approvals_stage SET needed = 2 WHERE request_id = %(paid_request)s"],
        # Nobody decided.
        [
            "DELETE FROM approvals_decision WHERE request_id = %(paid_request)s",
            "DELETE FROM approvals_historicaldecision WHERE request_id = %(paid_request)s",
        ],
        # Too late.
        [
            """UPDATE approvals_approvalrequest SET expires_at = opened_at + interval '1 us'
            WHERE id = %(paid_request)s"""
        ],
        # Something else was seen.
        [
            "UPDATE approvals_decision SET seal = 'x' WHERE request_id = %(paid_request)s",
            """UPDATE approvals_historicaldecision SET seal = 'x'
            WHERE request_id = %(paid_request)s""",
        ],
        # Nobody was asked.
        [
            """DELETE FROM approvals_reviewer WHERE stage_id IN
            (SELECT id FROM approvals_stage WHERE request_id = %(paid_request)s)"""
        ],
        # They were asked, and agreed before their time.
        [
            """UPDATE approvals_reviewer SET not_before = now() + interval '1 h' WHERE stage_id IN
            (SELECT id FROM approvals_stage WHERE request_id = %(paid_request)s)"""
        ],
        # The requester agreed, and everything else is made to fit.
        [
            "ALTER TABLE approvals_decision DROP CONSTRAINT nobody_decides_their_own_request",
            """UPDATE approvals_reviewer SET person_id = yes.requested_by_id
            FROM approvals_decision yes WHERE yes.request_id = %(paid_request)s
            AND (approvals_reviewer.stage_id, person_id) = (yes.stage_id, yes.decided_by_id)""",
            """UPDATE approvals_decision SET decided_by_id = requested_by_id
            WHERE request_id = %(paid_request)s""",
            """UPDATE approvals_historicaldecision SET decided_by_id = requested_by_id,
            history_user_id = requested_by_id WHERE request_id = %(paid_request)s""",
            """INSERT INTO approvals_stage_people (stage_id, user_id)
            SELECT stage_id, decided_by_id FROM approvals_decision
            WHERE request_id = %(paid_request)s""",
        ],
    ],
    "one_no_is_enough": [
        [
            """INSERT INTO approvals_decision (request_id, stage_id, requested_by_id,
                decided_by_id, verdict, seal, door, reason)
            SELECT request_id, stage_id, requested_by_id, carol.id, 'reject', seal, 'admin', 'No'
            FROM approvals_decision, backoffice_user carol
            WHERE request_id = %(paid_request)s AND carol.username = 'carol'""",
            """INSERT INTO approvals_historicaldecision (id, request_id, stage_id, requested_by_id,
                decided_by_id, verdict, seal, door, reason, decided_at, history_user_id,
                history_door, history_actor_label, history_request_id, history_date, history_type)
            SELECT id, request_id, stage_id, requested_by_id, decided_by_id, verdict, seal, door,
                reason, decided_at, decided_by_id, door, '', '', now(), '+' FROM approvals_decision
            WHERE request_id = %(paid_request)s AND verdict = 'reject'""",
        ],
    ],
    "each_approver_was_entitled": [
        # Whoever has a right was asked, and who agreed had none.
        [
            """UPDATE approvals_stage SET right_held = 'approve_task', right_on = run.task_id
            FROM tasks_run run WHERE run.approval_id = %(paid_request)s
                AND approvals_stage.request_id = run.approval_id""",
            """DELETE FROM approvals_stage_groups WHERE stage_id IN
            (SELECT id FROM approvals_stage WHERE request_id = %(paid_request)s)""",
        ],
        # Nobody was away for whom it was decided; or the absence was ended before the claim.
        [
            "ALTER TABLE approvals_absence DROP CONSTRAINT an_absence_ends_after_it_starts",
            "UPDATE approvals_absence SET ends_at = starts_at - interval '1 h'",
        ],
        [
            "UPDATE approvals_absence SET ended_at = starts_at",
        ],
        # Who is away had left the group.
        [
            """DELETE FROM backoffice_historicalmembership USING approvals_decision
            WHERE request_id = %(in_place_request)s AND on_behalf_of_id = user_id"""
        ],
        [
            """UPDATE backoffice_historicaluser SET is_active = false FROM approvals_decision
            WHERE request_id = %(paid_request)s AND decided_by_id = backoffice_historicaluser.id"""
        ],
        [
            """DELETE FROM backoffice_historicalmembership USING approvals_decision
            WHERE request_id = %(paid_request)s AND decided_by_id = user_id"""
        ],
        # In the hour between the decision and the claim the approver left the group.
        [
            """UPDATE tasks_historicalrun SET recorded_at = recorded_at + interval '1 h'
            WHERE id = %(paid)s AND status IN ('running', 'succeeded')""",
            """INSERT INTO backoffice_historicalmembership (id, user_id, group_id, since,
                recorded_at, history_door, history_actor_label, history_request_id, history_date,
                history_type)
            SELECT member.id, user_id, group_id, since, now() + interval '30 min', 'admin', '', '',
                now(), '-'
            FROM backoffice_historicalmembership member, approvals_decision
            WHERE approvals_decision.request_id = %(paid_request)s AND decided_by_id = user_id""",
        ],
    ],
    "rules_for_every_run_are_obeyed": [
        [
            """UPDATE tasks_approvalrule SET condition = 'true',
            in_force_since = now() - interval '1 h'"""
        ],
        # The rule is older than the run, and asked for two.
        [
            """UPDATE tasks_approvalrule SET condition = 'true', needed = 2,
            in_force_since = now() - interval '1 h', ended_at = now() + interval '1 day'""",
            "UPDATE approvals_stage SET condition = 'true'",
        ],
    ],
    "a_request_serves_one_run": [
        [
            "ALTER TABLE tasks_run DROP CONSTRAINT tasks_run_approval_id_key",
            """UPDATE tasks_run SET approval_id = %(paid_request)s, needs_approval = true,
            seal = paid.seal, task_id = paid.task_id, source_hash = paid.source_hash,
            reason = paid.reason, values = paid.values, preview = paid.preview
            FROM (SELECT * FROM tasks_run WHERE id = %(paid)s) AS paid
            WHERE tasks_run.id = %(small)s""",
        ],
    ],
    "run_and_request_are_about_the_same": [
        [
            "UPDATE approvals_approvalrequest SET seal = 'x' WHERE id = %(paid_request)s",
            "UPDATE approvals_decision SET seal = 'x' WHERE request_id = %(paid_request)s",
            """UPDATE approvals_historicaldecision SET seal = 'x'
            WHERE request_id = %(paid_request)s""",
        ],
    ],
    "the_seal_fits_what_is_stored": [
        ["""UPDATE tasks_run SET values = values || '{"note": "more"}' WHERE id = %(small)s"""],
        ["UPDATE tasks_run SET preview = '[]' WHERE id = %(small)s"],
        ["UPDATE tasks_run SET reason = 'Another' WHERE id = %(small)s"],
        ["UPDATE tasks_run SET source_hash = repeat('2', 64) WHERE id = %(small)s"],
        ["UPDATE tasks_run SET seal = repeat('0', 64) WHERE id = %(small)s"],
        ["UPDATE tasks_run SET ticket = 'SUP-9' WHERE id = %(small)s"],
        [
            """UPDATE tasks_task SET slug = 'another'
            WHERE id = (SELECT task_id FROM tasks_run WHERE id = %(small)s)"""
        ],
    ],
}

OF_RESOLVING: Final[Breaks] = {
    "nobody_resolves_their_own_run": [
        [
            *resolved("%(it_happened)s", f"resolved_by_id = {WHO_ASKED}"),
            f"""UPDATE tasks_historicalresolution settled SET history_user_id = {WHO_ASKED}
            WHERE run_id = %(it_happened)s""",  # noqa: S608
        ],
        resolved("%(it_happened)s", "reason = ' '"),
    ],
    "each_resolution_was_agreed_to": [
        resolved("%(it_happened)s", "approval_id = %(awaiting_request)s"),
        # Somebody agreed, to a question of somebody else's.
        resolved("%(it_happened)s", "approval_id = %(paid_request)s"),
    ],
    "each_resolution_has_its_move": [
        resolved("%(it_happened)s", "finding = 'did_not'"),
        resolved("%(it_did_not)s", "finding = 'again'"),
    ],
    "each_resolution_is_in_the_history": [
        ["DELETE FROM tasks_historicalresolution WHERE run_id = %(it_happened)s"],
        ["UPDATE tasks_resolution SET reason = 'Another' WHERE run_id = %(it_happened)s"],
    ],
}

OF_HISTORY: Final[Breaks] = {
    "only_allowed_moves": [
        [
            """UPDATE tasks_historicalrun SET status = 'expired'
            WHERE id = %(paid)s AND status = 'queued'"""
        ],
        # The row between awaiting approval and running is gone.
        ["DELETE FROM tasks_historicalrun WHERE id = %(paid)s AND status = 'queued'"],
        [
            """UPDATE approvals_historicalapprovalrequest SET status = 'stale'
            WHERE id = %(paid_request)s AND status = 'pending'"""
        ],
    ],
    "each_change_is_written_once": [
        [
            """INSERT INTO tasks_historicalrun
            SELECT (jsonb_populate_record(version, jsonb_build_object('history_id',
                nextval(pg_get_serial_sequence('tasks_historicalrun', 'history_id'))))).*
            FROM tasks_historicalrun version WHERE id = %(paid)s AND status = 'succeeded'"""
        ],
        [
            """UPDATE tasks_historicalrun SET history_type = '-'
            WHERE id = %(paid)s AND status = 'queued'"""
        ],
        [
            """UPDATE approvals_historicalapprovalrequest SET history_type = '+'
            WHERE id = %(paid_request)s AND status = 'approved'"""
        ],
    ],
    "each_change_says_who_and_how": [
        [
            """UPDATE tasks_historicalrun SET history_door = ''
            WHERE id = %(paid)s AND status = 'running'"""
        ],
        [
            """UPDATE tasks_historicalrun SET history_user_id = NULL
            WHERE id = %(paid)s AND status = 'queued'"""
        ],
        [
            """UPDATE tasks_historicalrun SET history_user_id = requested_by_id
            WHERE id = %(paid)s AND status = 'queued'"""
        ],
        [
            """UPDATE tasks_historicalrun SET history_user_id = NULL
            WHERE id = %(it_did_not)s AND status = 'queued'"""
        ],
        [
            """UPDATE approvals_historicalapprovalrequest SET history_user_id = NULL
            WHERE id = %(paid_request)s AND status = 'approved'"""
        ],
        [
            """UPDATE approvals_historicalapprovalrequest SET history_user_id = NULL
            WHERE id = %(paid_request)s AND status = 'pending'"""
        ],
    ],
    "history_ends_where_things_stand": [
        ["UPDATE tasks_run SET status = 'failed' WHERE id = %(small)s"],
        [
            "DELETE FROM tasks_logline WHERE run_id = %(small)s",
            "DELETE FROM tasks_sumkey WHERE run_id = %(small)s",
            "DELETE FROM tasks_runwords WHERE run_id = %(small)s",
            "DELETE FROM tasks_run WHERE id = %(small)s",
        ],
        ["DELETE FROM tasks_historicalrun WHERE id = %(cancelled)s"],
        [
            """DELETE FROM approvals_historicalapprovalrequest
            WHERE id = %(paid_request)s AND status = 'approved'"""
        ],
    ],
    "each_claim_is_counted": [
        ["UPDATE tasks_run SET attempt = 2 WHERE id = %(small)s"],
        ["UPDATE tasks_historicalrun SET attempt = 1 WHERE id = %(tried_twice)s AND attempt = 2"],
    ],
    "history_is_in_order": [
        [
            """UPDATE tasks_historicalrun SET recorded_at = NULL
            WHERE id = %(paid)s AND status = 'succeeded'"""
        ],
        [
            """UPDATE tasks_historicalrun SET recorded_at = recorded_at - interval '1 day'
            WHERE id = %(small)s AND status = 'succeeded'"""
        ],
    ],
    "each_decision_is_in_the_history": [
        ["DELETE FROM approvals_historicaldecision WHERE request_id = %(paid_request)s"],
        [
            """UPDATE approvals_historicaldecision SET verdict = 'reject'
            WHERE request_id = %(paid_request)s"""
        ],
        [
            """UPDATE approvals_historicaldecision SET history_user_id = NULL
            WHERE request_id = %(paid_request)s"""
        ],
        ["DELETE FROM approvals_decision WHERE request_id = %(rejected_request)s"],
    ],
}

OF_PAUSING: Final[Breaks] = {
    "each_paused_run_waits_for_somebody": [
        ["UPDATE tasks_pause SET ended_at = now() WHERE run_id = %(paused)s"],
        ["UPDATE tasks_pause SET waits_until = now() - interval '1 day' WHERE run_id = %(paused)s"],
        [
            """INSERT INTO tasks_pause (run_id, why, needs_look, seen, paused_at, waits_until)
            VALUES (%(small)s, 'x', false, '{}', now(), now() + interval '1 day')"""
        ],
    ],
    "nobody_goes_on_without_the_look": [
        [
            """UPDATE tasks_pause SET resumed_by_id =
                (SELECT requested_by_id FROM tasks_run WHERE id = run_id)
            WHERE run_id = %(gone_on)s"""
        ],
        [
            """UPDATE tasks_pause SET approval_id = (
                SELECT approval_id FROM tasks_run WHERE id = %(rejected)s)
            WHERE run_id = %(gone_on)s"""
        ],
    ],
    "no_item_beyond_the_first": [
        ["UPDATE tasks_effect SET sent_at = now() WHERE run_id = %(paused)s"],
        ["UPDATE tasks_pause SET seen = '{\"tried\": 0}' WHERE run_id = %(gone_on)s"],
    ],
}

# Proposals that the rows of a healthy house do not have.
PROPOSED: Final[LiteralString] = """INSERT INTO tasks_proposedchange
    (kind, task_id, content, reason, proposed_by_id, approval_id, applied_at)
    SELECT 'grant', task_id, '{}', '', requested_by_id, """

OF_PROPOSED_CHANGES: Final[Breaks] = {
    "what_was_changed_was_agreed_to": [
        [
            f"{PROPOSED} approval_id, now() FROM tasks_run WHERE id = %(paid)s",
            """UPDATE tasks_proposedchange SET proposed_by_id = (SELECT decided_by_id
            FROM approvals_decision WHERE request_id = %(paid_request)s)""",
        ],
    ],
    "nobody_changes_alone_what_was_shared": [
        [f"{PROPOSED} NULL, now() FROM tasks_run WHERE id = %(paid)s"],
    ],
    "rules_come_and_go_by_proposed_change": [
        ["UPDATE tasks_approvalrule SET ended_at = now()"],
        ["UPDATE tasks_approvalrule SET replaces_id = id"],
    ],
}

# The paid run's decision, as if it had been made in Slack: in its row and in the history.
IN_SLACK: Final[list[LiteralString]] = [
    "UPDATE approvals_decision SET door = 'slack' WHERE request_id = %(paid_request)s",
    """UPDATE approvals_historicaldecision SET door = 'slack', history_door = 'slack'
    WHERE request_id = %(paid_request)s""",
]
OPEN_TO_SLACK: Final[list[LiteralString]] = [
    f"UPDATE {table} SET slack_mode = 'decide' WHERE id = %(paid_request)s"  # noqa: S608 - as above
    for table in ("approvals_approvalrequest", "approvals_historicalapprovalrequest")
]
LINKED: Final[LiteralString] = """INSERT INTO approvals_slacklink
    (person_id, team, "user", offered_at, confirmed_at, ended_at)
    SELECT decided_by_id, 'T1', 'U1', decided_at - interval '1 hour',
        decided_at - interval '59 minutes', """

OF_TELLING: Final[Breaks] = {
    "no_message_is_left_by_its_sender": [
        [
            """INSERT INTO approvals_delivery (channel, address, event, occurrence, text,
                subject_type, subject_id, asks, status, attempts, lease_until, external,
                shown_version, error)
            VALUES ('email', 'bob@example.com', 'run_failed', '', 'Failed', 'tasks.run', '1', false,
                'sending', 1, now() - interval '10 minutes', '{}', '', '')"""
        ],
    ],
    "who_decided_in_slack_was_known_there": [
        [*OPEN_TO_SLACK, *IN_SLACK],
        # The link had ended before.
        [
            *OPEN_TO_SLACK,
            *IN_SLACK,
            f"""{LINKED} decided_at - interval '1 minute' FROM approvals_decision
            WHERE request_id = %(paid_request)s""",
        ],
    ],
    "slack_decided_only_what_it_may": [
        [
            *IN_SLACK,
            f"{LINKED} NULL FROM approvals_decision WHERE request_id = %(paid_request)s",
        ],
    ],
}

ROWS: Final[Breaks] = (
    OF_TELLING
    | OF_PROPOSED_CHANGES
    | OF_PAUSING
    | OF_MONEY
    | OF_WAITING
    | OF_CONSENT
    | OF_RESOLVING
    | OF_HISTORY
)

# As above, without putting the guards back: they are what is broken.
GUARDS: Final[Breaks] = {
    "the_triggers_stand": [
        ["ALTER TABLE tasks_run DISABLE TRIGGER tasks_guard_run"],
        ["ALTER TABLE tasks_run ENABLE TRIGGER tasks_guard_run"],
        ["DROP TRIGGER audit_refuse_change ON tasks_historicalrun"],
        ["DROP TRIGGER tasks_guard_resolution ON tasks_resolution"],
        ["DROP TRIGGER tasks_guard_doubt ON tasks_run"],
        ["DROP TRIGGER tasks_guard_subscription ON tasks_subscription"],
        ["DROP TRIGGER tasks_guard_paused ON tasks_run"],
        ["DROP TRIGGER tasks_guard_ticket ON tasks_run"],
        ["DROP TRIGGER tasks_guard_pause ON tasks_pause"],
        ["DROP TRIGGER tasks_guard_stop ON tasks_stop"],
        ["DROP TRIGGER approvals_guard_place ON approvals_decision"],
        [
            "DROP TRIGGER approvals_guard_stand_in ON approvals_reviewer",
            """CREATE TRIGGER approvals_guard_stand_in BEFORE INSERT ON approvals_reviewer
            FOR EACH ROW WHEN (NEW.on_behalf_of_id = 0)
            EXECUTE FUNCTION approvals_guard_stand_in()""",
            "ALTER TABLE approvals_reviewer ENABLE ALWAYS TRIGGER approvals_guard_stand_in",
        ],
        ["DROP TRIGGER approvals_guard_slack_link ON approvals_slacklink"],
        ["ALTER TABLE tasks_resolution DISABLE TRIGGER tasks_guard_proposed_change"],
        [
            "DROP TRIGGER approvals_guard_decision ON approvals_decision",
            """CREATE TRIGGER approvals_guard_decision BEFORE UPDATE ON approvals_decision
            FOR EACH ROW EXECUTE FUNCTION approvals_guard_decision()""",
            "ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_decision",
        ],
    ],
    "history_is_out_of_reach": [
        ["GRANT UPDATE ON tasks_historicalrun TO backoffice_app"],
        ["GRANT UPDATE (status) ON tasks_historicalrun TO backoffice_app"],
        ["GRANT DELETE ON tasks_historicalrun TO backoffice_app"],
        ["GRANT TRUNCATE ON tasks_historicalrun TO backoffice_app"],
        ["GRANT TRIGGER ON tasks_historicalrun TO backoffice_app"],
        ["GRANT UPDATE ON audit_event TO PUBLIC"],
        ["ALTER TABLE tasks_historicalrun OWNER TO backoffice_app"],
    ],
}
