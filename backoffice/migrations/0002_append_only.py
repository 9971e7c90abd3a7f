from django.db import migrations

from audit.database.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0001_initial"), ("audit", "0002_append_only")]

    operations = append_only("backoffice_historicaluser", "backoffice_historicalmembership")
