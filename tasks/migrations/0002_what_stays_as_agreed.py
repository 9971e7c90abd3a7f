"""What was agreed to, stopped or finished stays so, whoever writes."""

from django.db import migrations

from audit.database.guards import guards


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial")]

    operations = guards(
        __file__,
        "tasks_proposedchange_0002_shared",
        "approvals_absence_0002_agreed",
        "tasks_task_0002_stopped",
        "tasks_run_0002_finished",
        "tasks_emergency_0002_reviewers",
    )
