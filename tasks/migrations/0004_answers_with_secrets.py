"""The answer to a step that holds a secret is kept whole beside it, encrypted, while its run goes on."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("tasks", "0003_keys_that_are_used_up")]

    operations = [
        migrations.AddField(
            model_name="effect",
            name="answer_ciphertext",
            field=models.BinaryField(blank=True, null=True),
        ),
    ]
