"""More for a rule to say, and what runs count towards where a rule adds up."""

import datetime
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_append_only'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ("tasks", "0006_settling"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('value', models.CharField(max_length=64)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name_plural': 'tallies',
            },
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='escalate_after',
            field=models.DurationField(blank=True, null=True, verbose_name='escalates after'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='escalate_to',
            field=models.ManyToManyField(blank=True, related_name='+', to='auth.group'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='expires_after',
            field=models.DurationField(blank=True, null=True, verbose_name='expires after'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='fresh_proof',
            field=models.BooleanField(db_default=False, default=False, verbose_name='who agrees proves anew who they are'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='may_serve_twice',
            field=models.BooleanField(db_default=False, default=False, verbose_name='who has decided another stage may decide this one too'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='remind_after',
            field=models.DurationField(blank=True, null=True, verbose_name='reminds after'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='escalate_after',
            field=models.DurationField(blank=True, null=True, verbose_name='escalates after'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='expires_after',
            field=models.DurationField(blank=True, null=True, verbose_name='expires after'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='fresh_proof',
            field=models.BooleanField(db_default=False, default=False, verbose_name='who agrees proves anew who they are'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='may_serve_twice',
            field=models.BooleanField(db_default=False, default=False, verbose_name='who has decided another stage may decide this one too'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='remind_after',
            field=models.DurationField(blank=True, null=True, verbose_name='reminds after'),
        ),
        migrations.AddConstraint(
            model_name='approvalrule',
            constraint=models.CheckConstraint(condition=models.Q(('expires_after', None), ('expires_after__gt', datetime.timedelta(0)), _connector='OR'), name='rule_gives_time_to_decide'),
        ),
        migrations.AddField(
            model_name='tally',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tallies', to='tasks.run'),
        ),
        migrations.AddField(
            model_name='tally',
            name='task',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tasks.task'),
        ),
        migrations.AddIndex(
            model_name='tally',
            index=models.Index(fields=['task', 'name', 'value', 'recorded_at'], include=('run',), name='tally_window'),
        ),
        migrations.AddConstraint(
            model_name='tally',
            constraint=models.UniqueConstraint(fields=('run', 'name'), name='tally_once'),
        ),
        *append_only("tasks_tally"),
    ]
