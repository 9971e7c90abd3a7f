"""A run may be asked for anew, changed, by who asked for it."""

import django.db.models.deletion
from django.db import migrations, models


# As in 0012, with the state of what was sent back and the run that is asked for instead.
RUN = r"""
CREATE OR REPLACE FUNCTION tasks_guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Runs are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> (CASE WHEN NEW.needs_approval THEN 'awaiting' ELSE 'queued' END) THEN
            RAISE EXCEPTION 'A run begins as awaiting approval, or queued where none is needed.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.needs_approval THEN
            SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
            IF asked.seal <> NEW.seal OR asked.requested_by_id <> NEW.requested_by_id THEN
                RAISE EXCEPTION 'The request is about something else.'
                    USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        IF NEW.revises_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM tasks_run WHERE id = NEW.revises_id AND task_id = NEW.task_id
                    AND requested_by_id = NEW.requested_by_id AND approval_id IS NOT NULL
                    AND status IN ('returned', 'cancelled')) THEN
            RAISE EXCEPTION 'Only who asked asks anew, for the same task, when the first is closed.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.task_id, NEW.requested_by_id, NEW.door, NEW.reason, NEW.headline, NEW.values,
            NEW.preview, NEW.limits, NEW.source_hash, NEW.seal, NEW.needs_approval, NEW.approval_id,
            NEW.requested_at, NEW.again_of_id, NEW.undoes_id, NEW.revises_id,
            NEW.concurrency_key)
        IS DISTINCT FROM (OLD.id, OLD.task_id, OLD.requested_by_id, OLD.door, OLD.reason,
            OLD.headline, OLD.values, OLD.preview, OLD.limits, OLD.source_hash, OLD.seal, OLD.needs_approval,
            OLD.approval_id, OLD.requested_at, OLD.again_of_id, OLD.undoes_id,
            OLD.revises_id, OLD.concurrency_key) THEN
        RAISE EXCEPTION 'What a run does never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (
            ('awaiting', 'queued'), ('awaiting', 'rejected'), ('awaiting', 'returned'),
            ('awaiting', 'cancelled'), ('awaiting', 'expired'), ('queued', 'running'), ('queued', 'cancelled'),
            ('queued', 'stale'), ('queued', 'uncertain'), ('running', 'succeeded'), ('running', 'failed'),
            ('running', 'uncertain'), ('running', 'cancelled'), ('running', 'queued'),
            ('running', 'paused'), ('paused', 'queued'), ('paused', 'cancelled'),
            ('paused', 'expired'), ('paused', 'stale'), ('paused', 'uncertain'),
            ('uncertain', 'succeeded'), ('uncertain', 'failed'), ('uncertain', 'queued')) THEN
        RAISE EXCEPTION 'A run that is % does not become %.', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.needs_approval AND NEW.status IN ('queued', 'running', 'paused') AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved' AND seal = NEW.seal) THEN
        RAISE EXCEPTION 'This run has not been approved.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0012_paused'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalrun',
            name='revises',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='revises',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='revised_by', to='tasks.run'),
        ),
        migrations.AlterField(
            model_name='historicalrun',
            name='status',
            field=models.CharField(choices=[('awaiting', 'Awaiting approval'), ('queued', 'Queued'), ('running', 'Running'), ('paused', 'Paused'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('uncertain', 'Uncertain'), ('cancelled', 'Cancelled'), ('rejected', 'Rejected'), ('returned', 'Changes asked for'), ('expired', 'Expired'), ('stale', 'Out of date')], max_length=10),
        ),
        migrations.AlterField(
            model_name='run',
            name='status',
            field=models.CharField(choices=[('awaiting', 'Awaiting approval'), ('queued', 'Queued'), ('running', 'Running'), ('paused', 'Paused'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('uncertain', 'Uncertain'), ('cancelled', 'Cancelled'), ('rejected', 'Rejected'), ('returned', 'Changes asked for'), ('expired', 'Expired'), ('stale', 'Out of date')], max_length=10),
        ),
        migrations.RunSQL(RUN, migrations.RunSQL.noop),
    ]
