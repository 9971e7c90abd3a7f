"""Who may decide a request is said when it is opened, in a database that was restored as well."""

from django.db import migrations

from audit.database.guards import guards


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_reviewers_by_right")]

    operations = guards(__file__, "approvals_stage_0004_restores")
