"""Indexes: runs about the same thing, ended or not, and runs with the same file."""

import django.contrib.postgres.indexes
from django.db import migrations, models

import tasks.models.runs


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0009_restores"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["concurrency_key", "-requested_at"],
                condition=models.Q(("concurrency_key", ""), _negated=True),
                name="run_about_the_same",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.GinIndex(
                tasks.models.runs.FilesOf("values"), name="run_files"
            ),
        ),
    ]
