"""The lines of one run from the newest back, however many lines there are of others."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0007_rules")]

    operations = [
        migrations.AddIndex(
            model_name="logline",
            index=models.Index(fields=["run", "id"], name="line_of_run"),
        ),
        migrations.AlterField(
            model_name="logline",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="log_lines",
                to="tasks.run",
            ),
        ),
    ]
