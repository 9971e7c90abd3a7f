"""Runs are requested by other tasks as well."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0002_saved_filters"),
    ]

    operations = [
        migrations.AlterField(
            model_name='event',
            name='door',
            field=models.CharField(choices=[('admin', 'the web'), ('api', 'the API'), ('slack', 'Slack'), ('email', 'an email'), ('schedule', 'a schedule'), ('runbook', 'a runbook'), ('task', 'another task'), ('command', 'a command'), ('worker', 'a worker'), ('deploy', 'a deploy')], max_length=20, verbose_name='via'),
        ),
    ]
