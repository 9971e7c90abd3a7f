"""Apart from 0001, because the guards' functions come with the events of audit, which name people."""

from django.db import migrations

from audit.database.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0001_initial"), ("audit", "0001_initial")]

    operations = append_only("backoffice_historicaluser", "backoffice_historicalmembership")
