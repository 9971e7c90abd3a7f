"""In which time zone a person reads and types times."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0003_must_change_password")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="time_zone",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=64, verbose_name="time zone"
            ),
        )
        for name in ("user", "historicaluser")
    ]
