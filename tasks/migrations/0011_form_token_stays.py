"""The form that a run was requested with never changes, whoever writes."""

from django.db import migrations

from audit.database.guards import guards


class Migration(migrations.Migration):
    dependencies = [("tasks", "0010_alike_runs")]

    operations = guards(__file__, "tasks_run_0011_form_token")
