from django.db import migrations

from audit.database.append_only import FUNCTIONS, NO_FUNCTIONS, append_only


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        *append_only("audit_event"),
    ]
