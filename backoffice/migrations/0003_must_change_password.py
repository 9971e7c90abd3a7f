"""That somebody else has chosen a person's password."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0002_guards")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="must_change_password",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="must change the password"
            ),
        )
        for name in ("user", "historicaluser")
    ]
