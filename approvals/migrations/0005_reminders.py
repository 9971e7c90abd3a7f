"""Those to whom a stage escalates are reviewers from the start, who may decide from a later time on.

That they are written when the request is opened keeps the guard's promise: nobody is let in later.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from audit.database.append_only import append_only

DECISION = r"""
CREATE OR REPLACE FUNCTION approvals_guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'A decision is never changed or removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.request_id FOR UPDATE;
    IF asked.status <> 'pending' OR asked.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'This request is not waiting.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.requested_by_id <> asked.requested_by_id OR NEW.decided_by_id = asked.requested_by_id THEN
        RAISE EXCEPTION 'Nobody decides their own request.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.seal <> asked.seal THEN
        RAISE EXCEPTION 'What was shown is not what is asked.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM approvals_reviewer reviewer
        JOIN approvals_stage stage ON stage.id = reviewer.stage_id
        JOIN backoffice_user person ON person.id = reviewer.person_id
        WHERE stage.id = NEW.stage_id AND stage.request_id = NEW.request_id
            AND reviewer.person_id = NEW.decided_by_id AND person.is_active{IN_TIME}) THEN
        RAISE EXCEPTION 'This person may not decide this request.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM approvals_decision earlier
        WHERE earlier.request_id = NEW.request_id AND earlier.decided_by_id = NEW.decided_by_id
            AND NOT (SELECT may_serve_twice FROM approvals_stage WHERE id = NEW.stage_id)) THEN
        RAISE EXCEPTION 'This person has decided this request already.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.decided_at := clock_timestamp();
    RETURN NEW;
END $$;
"""
IN_TIME = """
            AND (reviewer.not_before IS NULL OR reviewer.not_before <= clock_timestamp())"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_stages"),
        ("audit", "0002_append_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="reviewer",
            name="not_before",
            field=models.DateTimeField(blank=True, null=True, verbose_name="may decide from"),
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("reminded", "Reminded"), ("escalated", "Escalated")],
                        max_length=10,
                    ),
                ),
                ("recorded_at", models.DateTimeField(db_default=Now(), editable=False)),
                (
                    "stage",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follow_ups",
                        to="approvals.stage",
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.UniqueConstraint(fields=["stage", "kind"], name="followed_up_once"),
        ),
        migrations.RunSQL(
            DECISION.replace("{IN_TIME}", IN_TIME), DECISION.replace("{IN_TIME}", "")
        ),
        *append_only("approvals_followup"),
    ]
