"""A run that pauses between two items, its limits, and who lets it go on."""

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


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
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.task_id, NEW.requested_by_id, NEW.door, NEW.reason, NEW.headline, NEW.values,
            NEW.preview, NEW.limits, NEW.source_hash, NEW.seal, NEW.needs_approval, NEW.approval_id,
            NEW.requested_at, NEW.again_of_id, NEW.undoes_id, NEW.concurrency_key)
        IS DISTINCT FROM (OLD.id, OLD.task_id, OLD.requested_by_id, OLD.door, OLD.reason,
            OLD.headline, OLD.values, OLD.preview, OLD.limits, OLD.source_hash, OLD.seal, OLD.needs_approval,
            OLD.approval_id, OLD.requested_at, OLD.again_of_id, OLD.undoes_id,
            OLD.concurrency_key) THEN
        RAISE EXCEPTION 'What a run does never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (
            ('awaiting', 'queued'), ('awaiting', 'rejected'), ('awaiting', 'cancelled'),
            ('awaiting', 'expired'), ('queued', 'running'), ('queued', 'cancelled'),
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

# A paused run has an open pause, and goes on only when that one was ended so.
PAUSED_RUN = r"""
CREATE FUNCTION tasks_guard_paused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'paused' AND OLD.status <> 'paused' AND NOT EXISTS (
            SELECT FROM tasks_pause
            WHERE run_id = NEW.id AND resumed_at IS NULL AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'Nothing says why this run pauses.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'paused' AND NEW.status = 'queued' AND (
            SELECT resumed_at FROM tasks_pause WHERE run_id = NEW.id ORDER BY id DESC LIMIT 1
        ) IS NULL THEN
        RAISE EXCEPTION 'Nobody has let this run go on.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'paused' AND NEW.status NOT IN ('paused', 'queued') AND EXISTS (
            SELECT FROM tasks_pause
            WHERE run_id = NEW.id AND resumed_at IS NULL AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'The pause of this run is still open.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_paused BEFORE UPDATE
    ON tasks_run FOR EACH ROW EXECUTE FUNCTION tasks_guard_paused();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_paused;
"""

NO_PAUSED_RUN = """
DROP TRIGGER tasks_guard_paused ON tasks_run;
DROP FUNCTION tasks_guard_paused();
"""

# A pause is ended once. One that needs a look is not ended by who asked for the run.
PAUSE = r"""
CREATE FUNCTION tasks_guard_pause() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paused tasks_run;
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Pauses are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO paused FROM tasks_run WHERE id = NEW.run_id;
    SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
    IF TG_OP = 'INSERT' THEN
        IF paused.status <> 'running' OR NEW.resumed_at IS NOT NULL OR NEW.ended_at IS NOT NULL
            OR asked.requested_by_id <> paused.requested_by_id OR asked.status <> 'pending' THEN
            RAISE EXCEPTION 'Only a running run pauses, for its own request.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['resumed_at', 'resumed_by_id', 'ended_at'])
            <> (to_jsonb(OLD) - ARRAY['resumed_at', 'resumed_by_id', 'ended_at'])
        OR OLD.resumed_at IS NOT NULL OR OLD.ended_at IS NOT NULL
        OR (NEW.resumed_at IS NOT NULL AND NEW.ended_at IS NOT NULL)
        OR (NEW.resumed_at IS NULL) <> (NEW.resumed_by_id IS NULL) THEN
        RAISE EXCEPTION 'A pause is ended once, and not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.resumed_at IS NOT NULL AND NEW.needs_look AND (
            NEW.resumed_by_id = paused.requested_by_id
            OR (NEW.approval_id IS NOT NULL AND asked.status <> 'approved')) THEN
        RAISE EXCEPTION 'Somebody else has to look before this run goes on.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_pause BEFORE INSERT OR UPDATE OR DELETE
    ON tasks_pause FOR EACH ROW EXECUTE FUNCTION tasks_guard_pause();
ALTER TABLE tasks_pause ENABLE ALWAYS TRIGGER tasks_guard_pause;
"""

NO_PAUSE = """
DROP TRIGGER tasks_guard_pause ON tasks_pause;
DROP FUNCTION tasks_guard_pause();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0005_reminders'),
        ('tasks', '0008_log_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalPause',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('why', models.TextField()),
                ('needs_look', models.BooleanField()),
                ('seen', models.JSONField(default=dict)),
                ('paused_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('waits_until', models.DateTimeField()),
                ('resumed_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'history of pause',
                'verbose_name_plural': 'history of pauses',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Pause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.TextField()),
                ('needs_look', models.BooleanField()),
                ('seen', models.JSONField(default=dict)),
                ('paused_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('waits_until', models.DateTimeField()),
                ('resumed_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_one_at_a_time',
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='first_items',
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name='first items that wait for a look'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='stop_above_amount',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True, verbose_name='amount done'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='stop_above_percent',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name='failed share'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='stop_after_failures',
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name='failed items'),
        ),
        migrations.AddField(
            model_name='effect',
            name='amount',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='effect',
            name='currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='first_items',
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name='first items that wait for a look'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='stop_above_amount',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True, verbose_name='amount done'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='stop_above_percent',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name='failed share'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='stop_after_failures',
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name='failed items'),
        ),
        migrations.AddField(
            model_name='historicalrun',
            name='limits',
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='historicalrun',
            name='pause_asked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='asked to pause at'),
        ),
        migrations.AddField(
            model_name='run',
            name='limits',
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='run',
            name='pause_asked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='asked to pause at'),
        ),
        migrations.AlterField(
            model_name='historicalrun',
            name='status',
            field=models.CharField(choices=[('awaiting', 'Awaiting approval'), ('queued', 'Queued'), ('running', 'Running'), ('paused', 'Paused'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('uncertain', 'Uncertain'), ('cancelled', 'Cancelled'), ('rejected', 'Rejected'), ('expired', 'Expired'), ('stale', 'Out of date')], max_length=10),
        ),
        migrations.AlterField(
            model_name='run',
            name='status',
            field=models.CharField(choices=[('awaiting', 'Awaiting approval'), ('queued', 'Queued'), ('running', 'Running'), ('paused', 'Paused'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('uncertain', 'Uncertain'), ('cancelled', 'Cancelled'), ('rejected', 'Rejected'), ('expired', 'Expired'), ('stale', 'Out of date')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(models.Q(('concurrency_key', ''), _negated=True), ('status__in', ['awaiting', 'queued', 'running', 'paused', 'uncertain'])), fields=['concurrency_key'], name='run_one_at_a_time'),
        ),
        migrations.AddField(
            model_name='historicalpause',
            name='approval',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='approvals.approvalrequest'),
        ),
        migrations.AddField(
            model_name='historicalpause',
            name='history_user',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalpause',
            name='resumed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalpause',
            name='run',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.run'),
        ),
        migrations.AddField(
            model_name='pause',
            name='approval',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='pause', to='approvals.approvalrequest'),
        ),
        migrations.AddField(
            model_name='pause',
            name='resumed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pause',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pauses', to='tasks.run'),
        ),
        migrations.AddIndex(
            model_name='historicalpause',
            index=models.Index(fields=['id', '-history_id'], name='tasks_histo_id_1fe693_idx'),
        ),
        migrations.AddIndex(
            model_name='historicalpause',
            index=models.Index(fields=['history_user', '-history_id'], name='tasks_histo_history_73afe5_idx'),
        ),
        migrations.AddIndex(
            model_name='historicalpause',
            index=models.Index(fields=['-history_date', '-history_id'], name='tasks_histo_history_c7ed6b_idx'),
        ),
        migrations.AddConstraint(
            model_name='pause',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None), ('resumed_at', None)), fields=('run',), name='one_open_pause_per_run'),
        ),
        migrations.RunSQL(RUN, migrations.RunSQL.noop),
        migrations.RunSQL(PAUSED_RUN, NO_PAUSED_RUN),
        migrations.RunSQL(PAUSE, NO_PAUSE),
        *append_only("tasks_historicalpause"),
    ]
