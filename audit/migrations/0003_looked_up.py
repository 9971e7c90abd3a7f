"""A look at the other side is a fact of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="verb",
            field=models.CharField(
                choices=[
                    ("signed_in", "signed in"),
                    ("sign_in_refused", "was refused a sign-in"),
                    ("signed_out", "signed out"),
                    ("refused", "was refused"),
                    ("exported", "exported"),
                    ("revealed", "revealed"),
                    ("looked_up", "looked up"),
                ],
                max_length=20,
                verbose_name="did what",
            ),
        ),
    ]
