"""Each trigger that keeps a promise, written down a second time."""

from typing import Final, LiteralString

# Beside those of each history. The kind is pg_trigger.tgtype: 31 is before insert, update or delete of
# a row, 27 the same without insert, 23 without delete, 19 before update, 7 before insert, 34 before a
# truncate.
GUARDED: Final[LiteralString] = """(VALUES
    ('tasks_run', 'tasks_guard_run', 31),
    ('tasks_run', 'tasks_guard_doubt', 19),
    ('tasks_run', 'tasks_guard_paused', 19),
    ('tasks_run', 'tasks_guard_stopped', 19),
    ('tasks_run', 'tasks_guard_ticket', 19),
    ('tasks_run', 'tasks_guard_restored', 19),
    ('tasks_effect', 'tasks_guard_restored_step', 23),
    ('tasks_databaseidentity', 'tasks_guard_identity', 7),
    ('tasks_databaseidentity', 'tasks_guard_identity_written', 5),
    ('tasks_databaseidentity', 'audit_refuse_change', 27),
    ('tasks_databaseidentity', 'audit_refuse_truncate', 34),
    ('tasks_databaseidentity', 'audit_stamp', 7),
    ('tasks_reconciliation', 'audit_refuse_change', 27),
    ('tasks_reconciliation', 'audit_refuse_truncate', 34),
    ('tasks_reconciliation', 'audit_stamp', 7),
    ('tasks_approvalrule', 'tasks_guard_rule', 31),
    ('tasks_approvalrule_groups', 'tasks_guard_rule_part', 31),
    ('tasks_approvalrule_people', 'tasks_guard_rule_part', 31),
    ('tasks_approvalrule_escalate_to', 'tasks_guard_rule_part', 31),
    ('tasks_emergency', 'tasks_guard_emergency', 31),
    ('tasks_emergency', 'tasks_guard_emergency_review', 7),
    ('tasks_pause', 'tasks_guard_pause', 31),
    ('tasks_proposedchange', 'tasks_guard_change', 31),
    ('tasks_resolution', 'tasks_guard_resolution', 31),
    ('tasks_resolution', 'tasks_guard_proposed_change', 23),
    ('tasks_stop', 'tasks_guard_stop', 31),
    ('tasks_stop', 'tasks_guard_reconciled', 19),
    ('tasks_subscription', 'tasks_guard_subscription', 31),
    ('tasks_sumkey', 'audit_refuse_change', 27),
    ('tasks_sumkey', 'audit_refuse_truncate', 34),
    ('tasks_sumkey', 'audit_stamp', 7),
    ('approvals_absence', 'approvals_guard_absence', 31),
    ('approvals_absence', 'tasks_guard_delegate', 7),
    ('approvals_approvalrequest', 'approvals_guard_request', 31),
    ('approvals_approvalrequest', 'approvals_guard_slack_mode', 19),
    ('approvals_decision', 'approvals_guard_decision', 31),
    ('approvals_decision', 'approvals_guard_place', 7),
    ('approvals_decision', 'approvals_guard_slack_decision', 7),
    ('approvals_followup', 'audit_refuse_change', 27),
    ('approvals_followup', 'audit_refuse_truncate', 34),
    ('approvals_followup', 'audit_stamp', 7),
    ('approvals_proof', 'audit_refuse_change', 27),
    ('approvals_proof', 'audit_refuse_truncate', 34),
    ('approvals_proof', 'audit_stamp', 7),
    ('approvals_reviewer', 'approvals_guard_part', 31),
    ('approvals_reviewer', 'approvals_guard_stand_in', 7),
    ('approvals_slacklink', 'approvals_guard_slack_link', 31),
    ('approvals_stage', 'approvals_guard_part', 31),
    ('approvals_stage_groups', 'approvals_guard_part', 31),
    ('approvals_stage_people', 'approvals_guard_part', 31),
    ('approvals_stage_escalate_to', 'approvals_guard_part', 31))"""

# When those look that look only at some rows.
CONDITIONS: Final[LiteralString] = """(VALUES
    ('tasks_guard_restored',
        '(((new.status)::text = ''running''::text) AND ((old.status)::text <> ''running''::text))'),
    ('tasks_guard_restored_step', '((new.sent_at IS NOT NULL) AND (new.answered_at IS NULL))'),
    ('tasks_guard_reconciled', '((old.ended_at IS NULL) AND (new.ended_at IS NOT NULL))'),
    ('approvals_guard_slack_mode', '((old.slack_mode)::text IS DISTINCT FROM (new.slack_mode)::text)'),
    ('approvals_guard_slack_decision', '((new.door)::text = ''slack''::text)'),
    ('approvals_guard_stand_in', '(new.on_behalf_of_id IS NOT NULL)'))"""
