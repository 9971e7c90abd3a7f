import tasks.models.answers
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('tasks', '0006_pinned_tasks')]

    operations = [
        migrations.AddField(
            model_name='run',
            name='form_token',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(
                condition=models.Q(('form_token', ''), _negated=True),
                fields=('form_token',),
                name='one_run_of_a_form',
            ),
        ),
        migrations.AlterField(  # says how answers are read and written; the column stays as it is
            model_name='effect',
            name='answer',
            field=models.JSONField(
                blank=True,
                decoder=tasks.models.answers.Decoder,
                encoder=tasks.models.answers.Encoder,
                null=True,
            ),
        ),
    ]
