"""What people asked to be told of: a row that begins open, never changes, and ends once."""

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only

GUARD = r"""
CREATE FUNCTION tasks_guard_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Subscriptions are ended, never removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.made_at := clock_timestamp();
        NEW.ended_at := NULL;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.person_id, NEW.task_id, NEW.states, NEW.condition, NEW.made_at)
        IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.task_id, OLD.states, OLD.condition,
            OLD.made_at) OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
    THEN
        RAISE EXCEPTION 'What somebody is told of never changes: it is ended, once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_subscription BEFORE INSERT OR UPDATE OR DELETE ON tasks_subscription
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_subscription();
ALTER TABLE tasks_subscription ENABLE ALWAYS TRIGGER tasks_guard_subscription;
"""
NO_GUARD = """
DROP TRIGGER tasks_guard_subscription ON tasks_subscription;
DROP FUNCTION tasks_guard_subscription();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0020_deputies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalSubscription',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('states', models.JSONField(default=list, verbose_name='when a run')),
                ('condition', models.TextField(blank=True, verbose_name='only if')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.task')),
            ],
            options={
                'verbose_name': 'history of subscription',
                'verbose_name_plural': 'history of subscriptions',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='tasks_histo_id_cd1f2f_idx'), models.Index(fields=['history_user', '-history_id'], name='tasks_histo_history_d1a1d0_idx'), models.Index(fields=['-history_date', '-history_id'], name='tasks_histo_history_a6d12e_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('states', models.JSONField(default=list, verbose_name='when a run')),
                ('condition', models.TextField(blank=True, verbose_name='only if')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('problem', models.TextField(blank=True, db_default='', default='')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='tasks.task')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at', None)), fields=['task'], name='subscription_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('person', 'task', 'states', 'condition'), name='subscribed_once'), models.CheckConstraint(condition=models.Q(('states', []), _negated=True), name='a_subscription_is_to_something')],
            },
        ),
        migrations.RunSQL(GUARD, NO_GUARD),
        *append_only("tasks_historicalsubscription"),
    ]
