"""Signs of life stand in a table of ours, and nobody writes to django-q2's tables of schedules and results."""

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

CLOSED = "django_q_schedule, django_q_task"
# Nothing reads them any more. What the application's role cannot write is never run by a later mistake.
WITHHOLD = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}' AND NOT rolsuper) THEN
        {change};
    END IF;
END $$;
"""


def for_the_role(change: str) -> str:
    role = settings.DATABASE_APP_ROLE
    named = change.format(tables=CLOSED, role=f'"{role.replace(chr(34), chr(34) * 2)}"')
    return WITHHOLD.format(role=role.replace("'", "''"), change=named)


class Migration(migrations.Migration):
    dependencies = [("tasks", "0007_sent_forms_and_answers")]

    operations = [
        migrations.CreateModel(
            name="Sign",
            fields=[
                ("name", models.CharField(choices=[("runs", "A cluster that takes runs was alive"), ("messages", "A cluster that sends notifications was alive"), ("sweep", "A worker was sent to look for what is due"), ("replaced", "A worker that had ended by itself was replaced"), ("written", "A probe could write to the database")], max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=Now())),
            ],
            options={"verbose_name": "sign of life", "verbose_name_plural": "signs of life"},
        ),
        migrations.RunSQL(
            for_the_role("REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {tables} FROM {role}"),
            for_the_role("GRANT INSERT, UPDATE, DELETE ON {tables} TO {role}"),
        ),
    ]
