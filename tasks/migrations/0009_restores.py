"""Which database this is: one that was restored from a backup starts nothing before it is reconciled."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only
from audit.database.guards import guards


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_restores"),
        ("audit", "0001_initial"),
        ("tasks", "0008_signs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerLook",
            fields=[
                (
                    "folder",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveBigIntegerField(default=0)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="DatabaseIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "found",
                    models.CharField(
                        choices=[
                            ("first", "First use"),
                            ("restored", "Restored from a backup"),
                            ("older", "Older than what a worker has seen"),
                            ("promoted", "Promoted or recovered, and no worker knows it"),
                            ("moved", "Promoted, with all that a worker has seen"),
                        ],
                        editable=False,
                        max_length=8,
                    ),
                ),
                (
                    "system_identifier",
                    models.CharField(db_default="", editable=False, max_length=20),
                ),
                ("database_oid", models.BigIntegerField(db_default=0, editable=False)),
                ("timeline", models.BigIntegerField(db_default=0, editable=False)),
                ("written_in", models.BigIntegerField(db_default=0, editable=False)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "stop",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="identities",
                        to="tasks.stop",
                    ),
                ),
            ],
            options={
                "verbose_name": "identity of the database",
                "verbose_name_plural": "identities of the database",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("keep", "Keep it"),
                            ("unknown", "It may have been done"),
                            ("cancel", "Cancel it"),
                        ],
                        editable=False,
                        max_length=7,
                    ),
                ),
                ("reason", models.TextField(editable=False)),
                ("looked_up", models.JSONField(default=list, editable=False)),
                ("door", models.CharField(editable=False, max_length=10, verbose_name="via")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliations",
                        to="tasks.databaseidentity",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliations",
                        to="tasks.run",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("run", "identity"), name="reconciled_once"),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="a_reconciliation_has_a_reason",
                    ),
                ],
            },
        ),
        *guards(
            __file__,
            "tasks_databaseidentity",
            "tasks_approvalrule_0009_restores",
            "tasks_emergency_0009_restores",
        ),
        *append_only("tasks_databaseidentity", "tasks_reconciliation"),
    ]
