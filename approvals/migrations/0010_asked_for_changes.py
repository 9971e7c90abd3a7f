"""Somebody who is asked may ask for changes, which ends the request."""

from django.conf import settings
from django.db import migrations, models


# As in 0002, but that a request may be returned, by one answer that asks for changes.
GUARD = r"""
CREATE OR REPLACE FUNCTION approvals_guard_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' THEN
            RAISE EXCEPTION 'A request begins as pending.' USING ERRCODE = 'restrict_violation';
        END IF;
        NEW.opened_in := pg_current_xact_id()::text::bigint;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Requests are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.title, NEW.shown, NEW.seal, NEW.requested_by_id, NEW.reason, NEW.opened_at,
            NEW.expires_at, NEW.opened_in)
        IS DISTINCT FROM (OLD.id, OLD.title, OLD.shown, OLD.seal, OLD.requested_by_id, OLD.reason,
            OLD.opened_at, OLD.expires_at, OLD.opened_in) THEN
        RAISE EXCEPTION 'What a request asks never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status IS NOT DISTINCT FROM OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (('pending', 'approved'), ('pending', 'rejected'),
            ('pending', 'returned'), ('pending', 'withdrawn'), ('pending', 'expired'),
            ('approved', 'stale')) THEN
        RAISE EXCEPTION 'A request that is % does not become %.', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'approved' AND NOT approvals_has_quorum(NEW.id) THEN
        RAISE EXCEPTION 'This request has not got the approvals it needs.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION approvals_has_quorum(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT count(*) > 0
        AND bool_and(stage.needed <= (
            SELECT count(DISTINCT decided_by_id) FROM approvals_decision
            WHERE stage_id = stage.id AND request_id = wanted AND verdict = 'approve'))
        AND NOT EXISTS (SELECT FROM approvals_decision
            WHERE request_id = wanted AND verdict IN ('reject', 'change'))
    FROM approvals_stage stage WHERE stage.request_id = wanted
$$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0009_deliveries'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='decision',
            name='a_rejection_has_a_reason',
        ),
        migrations.AlterField(
            model_name='approvalrequest',
            name='status',
            field=models.CharField(choices=[('pending', 'Waiting'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('returned', 'Changes asked for'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired'), ('stale', 'Out of date')], default='pending', max_length=10),
        ),
        migrations.AlterField(
            model_name='decision',
            name='verdict',
            field=models.CharField(choices=[('approve', 'Approved'), ('reject', 'Rejected'), ('change', 'Asked for changes')], max_length=10),
        ),
        migrations.AlterField(
            model_name='historicalapprovalrequest',
            name='status',
            field=models.CharField(choices=[('pending', 'Waiting'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('returned', 'Changes asked for'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired'), ('stale', 'Out of date')], default='pending', max_length=10),
        ),
        migrations.AlterField(
            model_name='historicaldecision',
            name='verdict',
            field=models.CharField(choices=[('approve', 'Approved'), ('reject', 'Rejected'), ('change', 'Asked for changes')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('verdict', 'approve'), models.Q(('reason', ''), _negated=True), _connector='OR'), name='only_an_approval_needs_no_reason'),
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
