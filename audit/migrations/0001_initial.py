"""Events, and the functions that keep events and histories from being rewritten."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only
from audit.database.guards import guards


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_column='recorded_at', db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='when')),
                ('actor', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ('actor_label', models.TextField(verbose_name='person')),
                ('door', models.CharField(choices=[('admin', 'the web'), ('api', 'the API'), ('slack', 'Slack'), ('email', 'an email'), ('schedule', 'a schedule'), ('runbook', 'a runbook'), ('command', 'a command'), ('worker', 'a worker'), ('deploy', 'a deploy')], max_length=20, verbose_name='via')),
                ('verb', models.CharField(choices=[('signed_in', 'signed in'), ('sign_in_refused', 'sign-in denied'), ('signed_out', 'signed out'), ('refused', 'denied'), ('exported', 'exported'), ('revealed', 'revealed'), ('looked_up', 'looked up')], max_length=20, verbose_name='action')),
                ('subject_type', models.CharField(blank=True, max_length=100, verbose_name='object type')),
                ('subject_id', models.CharField(blank=True, max_length=100, verbose_name='object ID')),
                ('subject_label', models.TextField(blank=True, verbose_name='object')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('request_id', models.CharField(blank=True, max_length=32, verbose_name='request ID')),
                ('ip', models.GenericIPAddressField(blank=True, null=True, verbose_name='IP address')),
                ('data', models.JSONField(blank=True, default=dict, verbose_name='details')),
            ],
            options={
                'verbose_name': 'access log entry',
                'verbose_name_plural': 'access log entries',
                'ordering': ('-pk',),
                'permissions': [('view_everything', 'Can view everything and change nothing')],
                'default_permissions': (),
                'indexes': [models.Index(fields=['actor', '-id'], name='event_by_actor'), models.Index(fields=['verb', '-id'], name='event_by_verb'), models.Index(fields=['subject_type', 'subject_id', '-id'], name='event_by_subject'), models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('actor_label'), name='text_pattern_ops'), name='event_by_label')],
            },
        ),
        *guards(__file__, 'append_only'),
        *append_only('audit_event'),
    ]
