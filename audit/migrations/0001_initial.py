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
                ('actor_label', models.TextField(verbose_name='who')),
                ('door', models.CharField(choices=[('admin', 'the admin'), ('api', 'the API'), ('slack', 'Slack'), ('email', 'an email'), ('schedule', 'a schedule'), ('runbook', 'a runbook'), ('command', 'a command'), ('worker', 'a worker'), ('deploy', 'a deploy')], max_length=20, verbose_name='through')),
                ('verb', models.CharField(choices=[('signed_in', 'signed in'), ('sign_in_refused', 'was refused a sign-in'), ('signed_out', 'signed out'), ('refused', 'was refused'), ('exported', 'exported'), ('revealed', 'revealed'), ('looked_up', 'looked up')], max_length=20, verbose_name='did what')),
                ('subject_type', models.CharField(blank=True, max_length=100, verbose_name='kind of object')),
                ('subject_id', models.CharField(blank=True, max_length=100, verbose_name="object's number")),
                ('subject_label', models.TextField(blank=True, verbose_name='object')),
                ('reason', models.TextField(blank=True, verbose_name='why')),
                ('request_id', models.CharField(blank=True, max_length=32, verbose_name='request')),
                ('ip', models.GenericIPAddressField(blank=True, null=True, verbose_name='address')),
                ('data', models.JSONField(blank=True, default=dict, verbose_name='details')),
            ],
            options={
                'ordering': ('-pk',),
                'permissions': [('view_everything', 'May read everything and change nothing')],
                'default_permissions': (),
                'indexes': [models.Index(fields=['actor', '-id'], name='event_by_actor'), models.Index(fields=['verb', '-id'], name='event_by_verb'), models.Index(fields=['subject_type', 'subject_id', '-id'], name='event_by_subject'), models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('actor_label'), name='text_pattern_ops'), name='event_by_label')],
            },
        ),
        *guards(__file__, 'append_only'),
        *append_only('audit_event'),
    ]
