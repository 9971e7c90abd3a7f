"""When a request was closed, and whether it can be revised, stays as it was."""

from django.db import migrations

from audit.database.guards import guards


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]

    operations = guards(__file__, "approvals_approvalrequest_0002_closed")
