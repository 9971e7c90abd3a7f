"""Runs that another run has asked for."""

import django.db.models.deletion
from django.db import migrations, models

from audit.database.guards import guards


class Migration(migrations.Migration):
    dependencies = [("tasks", "0012_confirmation_limits")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="called_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="called",
                to="tasks.run",
            ),
        ),
        migrations.AddField(
            model_name="historicalrun",
            name="called_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tasks.run",
            ),
        ),
        *guards(__file__, "tasks_run_0013_called_by"),
    ]
