"""What is stopped: nothing of it begins, and only an approved request starts it again."""

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


# A stop that was committed is seen by each claim after it: the row is read by the claim's own update.
RUN = r"""
CREATE FUNCTION tasks_guard_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'running' AND OLD.status <> 'running' AND EXISTS (
            SELECT FROM tasks_stop stop, tasks_task task
            WHERE task.id = NEW.task_id AND stop.ended_at IS NULL AND (stop.scope = 'everything'
                OR stop.task_id = task.id OR (stop.scope = 'category' AND stop.category = task.category)
                OR (stop.scope = 'money' AND task.moves_money))) THEN
        RAISE EXCEPTION 'This task is stopped.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_stopped BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_stopped();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_stopped;
"""
NO_RUN = """
DROP TRIGGER tasks_guard_stopped ON tasks_run;
DROP FUNCTION tasks_guard_stopped();
"""
STOP = r"""
CREATE FUNCTION tasks_guard_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Stops are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.ended_at IS NOT NULL OR NEW.approval_id IS NOT NULL THEN
            RAISE EXCEPTION 'A stop begins as stopped.' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['approval_id', 'ended_at'])
            <> (to_jsonb(OLD) - ARRAY['approval_id', 'ended_at']) OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'A stop is ended once, and not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.ended_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved' AND opened_at > NEW.stopped_at) THEN
        RAISE EXCEPTION 'Two people start again what one has stopped.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_stop BEFORE INSERT OR UPDATE OR DELETE ON tasks_stop
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_stop();
ALTER TABLE tasks_stop ENABLE ALWAYS TRIGGER tasks_guard_stop;
"""
NO_STOP = """
DROP TRIGGER tasks_guard_stop ON tasks_stop;
DROP FUNCTION tasks_guard_stop();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0011_proofs'),
        ('tasks', '0013_revisions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='historicaltask',
            name='moves_money',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='task',
            name='moves_money',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='HistoricalStop',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('scope', models.CharField(choices=[('task', 'One task'), ('category', 'All tasks of a category'), ('money', 'All that moves money'), ('everything', 'Everything')], max_length=10, verbose_name='what')),
                ('category', models.CharField(blank=True, max_length=60)),
                ('reason', models.TextField(verbose_name='why')),
                ('stopped_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='started again at')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('approval', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='approvals.approvalrequest')),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('stopped_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.task')),
            ],
            options={
                'verbose_name': 'history of stop',
                'verbose_name_plural': 'history of stops',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='tasks_histo_id_305c3b_idx'), models.Index(fields=['history_user', '-history_id'], name='tasks_histo_history_fbc946_idx'), models.Index(fields=['-history_date', '-history_id'], name='tasks_histo_history_2b0ff8_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Stop',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('task', 'One task'), ('category', 'All tasks of a category'), ('money', 'All that moves money'), ('everything', 'Everything')], max_length=10, verbose_name='what')),
                ('category', models.CharField(blank=True, max_length=60)),
                ('reason', models.TextField(verbose_name='why')),
                ('stopped_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='started again at')),
                ('approval', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stop', to='approvals.approvalrequest')),
                ('stopped_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stops', to='tasks.task')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('scope', 'task', 'category'), name='stopped_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('category', ''), ('scope', 'task'), ('task__isnull', False)), models.Q(models.Q(('category', ''), _negated=True), ('scope', 'category'), ('task', None)), models.Q(('category', ''), ('scope__in', ['money', 'everything']), ('task', None)), _connector='OR'), name='a_stop_names_what_it_stops'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='a_stop_has_a_reason')],
            },
        ),
        migrations.RunSQL(RUN, NO_RUN),
        migrations.RunSQL(STOP, NO_STOP),
        *append_only("tasks_historicalstop"),
    ]
