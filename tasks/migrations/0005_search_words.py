"""The words under which runs are found. Those of runs that are there already are filled in.

That is without the folding of accents of tasks/runs/search.py.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models


FILL_IN = r"""
WITH texts AS (
    SELECT run.id, run.status, lower(left(concat_ws(' ', task.name, run.headline, run.ticket, run.reason,
             run.id, person.first_name, person.last_name, person.username, run.error, run.preview,
             run.output), 100000)) AS text
      FROM tasks_run run
      JOIN tasks_task task ON task.id = run.task_id
      JOIN backoffice_user person ON person.id = run.requested_by_id
), words AS (
    SELECT id, status, btrim(word, $$.,;:!?()[]{}"'$$) AS word
      FROM texts, regexp_split_to_table(text, '\s+') AS word
     UNION
    SELECT id, status, word FROM texts, regexp_split_to_table(text, '[^[:alnum:]]+') AS word
)
INSERT INTO tasks_runwords (run_id, words, complete)
SELECT id, array_to_tsvector(array_agg(DISTINCT left(word, 100))),
       status NOT IN ('awaiting', 'queued', 'running', 'paused', 'uncertain')
  FROM words WHERE word <> '' GROUP BY id, status;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0004_answers_with_secrets'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunWords',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='tasks.run')),
                ('words', django.contrib.postgres.search.SearchVectorField()),
                ('complete', models.BooleanField(db_default=False, default=False)),
            ],
            options={
                'verbose_name': 'search words',
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['words'], name='run_words'), models.Index(condition=models.Q(('complete', False)), fields=['run'], name='run_words_to_add')],
            },
        ),
        migrations.RunSQL(FILL_IN, migrations.RunSQL.noop),
    ]
