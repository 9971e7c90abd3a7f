"""Breaking the glass: what runs without approval is on record first, proved, and to be reviewed."""

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only

# As in 0013; a run begins without approval only in an emergency, which is on record before.
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
            WHERE id = NEW.approval_id AND status = 'approved' AND seal = NEW.seal)
        AND NOT EXISTS (SELECT FROM tasks_emergency WHERE run_id = NEW.id) THEN
        RAISE EXCEPTION 'This run has not been approved.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

EMERGENCY = r"""
CREATE FUNCTION tasks_guard_emergency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'An emergency is never changed or removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM tasks_run WHERE id = NEW.run_id AND status = 'awaiting'
            AND requested_by_id = NEW.by_id) THEN
        RAISE EXCEPTION 'Only who asked runs it in an emergency, while it waits for approval.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM approvals_proof WHERE id = NEW.proof_id AND person_id = NEW.by_id
            AND recorded_at > clock_timestamp() - interval '15 minutes') THEN
        RAISE EXCEPTION 'Who runs something in an emergency proves first who they are.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM approvals_approvalrequest review
            WHERE review.id = NEW.review_id AND review.requested_by_id = NEW.by_id
                AND review.opened_in = pg_current_xact_id()::text::bigint
                AND review.expires_at <= clock_timestamp() + interval '24 hours'
                AND (SELECT sum(needed) FROM approvals_stage WHERE request_id = review.id) >= 2) THEN
        RAISE EXCEPTION 'Two others review an emergency within 24 hours.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_emergency BEFORE INSERT OR UPDATE OR DELETE ON tasks_emergency
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_emergency();
ALTER TABLE tasks_emergency ENABLE ALWAYS TRIGGER tasks_guard_emergency;
"""
NO_EMERGENCY = """
DROP TRIGGER tasks_guard_emergency ON tasks_emergency;
DROP FUNCTION tasks_guard_emergency();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0013_picked_reviewers'),
        ('tasks', '0018_proposed_people'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Emergency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(verbose_name='why it could not wait')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proof', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.proof')),
                ('review', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='emergency', to='approvals.approvalrequest')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='emergency', to='tasks.run')),
            ],
            options={
                'verbose_name_plural': 'emergencies',
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='an_emergency_has_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalEmergency',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('reason', models.TextField(verbose_name='why it could not wait')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proof', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='approvals.proof')),
                ('review', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='approvals.approvalrequest')),
                ('run', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.run')),
            ],
            options={
                'verbose_name': 'history of emergency',
                'verbose_name_plural': 'history of emergencies',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='tasks_histo_id_ea3db4_idx'), models.Index(fields=['history_user', '-history_id'], name='tasks_histo_history_29019f_idx'), models.Index(fields=['-history_date', '-history_id'], name='tasks_histo_history_14a6c2_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RunSQL(RUN, migrations.RunSQL.noop),
        migrations.RunSQL(EMERGENCY, NO_EMERGENCY),
        *append_only("tasks_historicalemergency"),
    ]
