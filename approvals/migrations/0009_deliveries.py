"""What goes out by email and other channels, who wants it, and where to."""

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0005_reminders'),
        ('audit', '0002_append_only'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.URLField(max_length=500, unique=True, verbose_name='address')),
                ('ciphertext', models.BinaryField()),
                ('events', models.JSONField(default=list)),
                ('is_active', models.BooleanField(default=True, verbose_name='in use')),
            ],
        ),
        migrations.CreateModel(
            name='Halt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=20, unique=True)),
                ('why', models.TextField()),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('retry_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='MailLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('seal', models.CharField(max_length=64, verbose_name='seal of what was asked')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('used_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.approvalrequest')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=20)),
                ('address', models.CharField(max_length=254)),
                ('event', models.CharField(max_length=40)),
                ('occurrence', models.CharField(blank=True, max_length=40)),
                ('text', models.TextField()),
                ('subject_type', models.CharField(max_length=100)),
                ('subject_id', models.CharField(max_length=100)),
                ('asks', models.BooleanField(default=False, verbose_name='asks for a decision')),
                ('status', models.CharField(choices=[('queued', 'Waits'), ('sending', 'Is being sent'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Not needed any more')], default='queued', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('lease_until', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('external', models.JSONField(default=dict, verbose_name='ids at the other side')),
                ('shown_version', models.CharField(blank=True, max_length=30)),
                ('error', models.TextField(blank=True)),
                ('group', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='auth.group')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='approvals.approvalrequest')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'ordering': ['-id'],
                'permissions': [('manage_channels', 'May set up channels and send again')],
                'indexes': [models.Index(condition=models.Q(('status__in', ['queued', 'sending'])), fields=['due_at'], name='delivery_due'), models.Index(condition=models.Q(('shown_version__startswith', 'pending'), ('status', 'sent')), fields=['due_at'], name='delivery_shows_open'), models.Index(condition=models.Q(('status', 'failed')), fields=['-id'], name='delivery_failed')],
                'constraints': [models.UniqueConstraint(fields=('subject_type', 'subject_id', 'event', 'occurrence', 'channel', 'address'), name='delivered_once')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalEndpoint',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('url', models.URLField(max_length=500, verbose_name='address')),
                ('events', models.JSONField(default=list)),
                ('is_active', models.BooleanField(default=True, verbose_name='in use')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'history of endpoint',
                'verbose_name_plural': 'history of endpoints',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='approvals_h_id_55f879_idx'), models.Index(fields=['history_user', '-history_id'], name='approvals_h_history_f3d355_idx'), models.Index(fields=['-history_date', '-history_id'], name='approvals_h_history_5b4e92_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalHalt',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('channel', models.CharField(max_length=20)),
                ('why', models.TextField()),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('retry_at', models.DateTimeField()),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'history of halt',
                'verbose_name_plural': 'history of halts',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='approvals_h_id_9766d8_idx'), models.Index(fields=['history_user', '-history_id'], name='approvals_h_history_56e89e_idx'), models.Index(fields=['-history_date', '-history_id'], name='approvals_h_history_d38077_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPreference',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('event', models.CharField(max_length=40)),
                ('channel', models.CharField(max_length=20)),
                ('wanted', models.BooleanField()),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'history of preference',
                'verbose_name_plural': 'history of preferences',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='approvals_h_id_aa2a1d_idx'), models.Index(fields=['history_user', '-history_id'], name='approvals_h_history_24e830_idx'), models.Index(fields=['-history_date', '-history_id'], name='approvals_h_history_f33ef0_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(max_length=40)),
                ('channel', models.CharField(max_length=20)),
                ('wanted', models.BooleanField()),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='preferences', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'event', 'channel'), name='preferred_once')],
            },
        ),
        *append_only(
            "approvals_historicalhalt",
            "approvals_historicalpreference",
            "approvals_historicalendpoint",
        ),
    ]
