"""Who agrees in a stage that asks for it has proved anew who they are."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


# As in 0005, with the proof. The application asks for a younger one: FRESH_PROOF_SECONDS.
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
            AND reviewer.person_id = NEW.decided_by_id AND person.is_active
            AND (reviewer.not_before IS NULL OR reviewer.not_before <= clock_timestamp())) THEN
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
    IF NEW.verdict = 'approve' AND (SELECT fresh_proof FROM approvals_stage WHERE id = NEW.stage_id)
            AND NOT EXISTS (
                SELECT FROM approvals_proof proof
                WHERE proof.id = NEW.proof_id AND proof.person_id = NEW.decided_by_id
                    AND proof.recorded_at > clock_timestamp() - interval '15 minutes') THEN
        RAISE EXCEPTION 'Who agrees here proves first who they are.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.decided_at := clock_timestamp();
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0010_asked_for_changes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='approvalrequest',
            name='revisable',
            field=models.BooleanField(db_default=False, default=False, verbose_name='may be sent back'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrequest',
            name='revisable',
            field=models.BooleanField(db_default=False, default=False, verbose_name='may be sent back'),
        ),
        migrations.CreateModel(
            name='Proof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('password', 'Password')], max_length=10)),
                ('session', models.CharField(max_length=64, verbose_name='digest of the session')),
                ('door', models.CharField(max_length=10)),
                ('proved_at', models.DateTimeField(db_column='recorded_at', db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proofs', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='decision',
            name='proof',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.proof'),
        ),
        migrations.AddField(
            model_name='historicaldecision',
            name='proof',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='approvals.proof'),
        ),
        migrations.AddIndex(
            model_name='proof',
            index=models.Index(fields=['person', 'session', '-proved_at'], name='proof_of_person'),
        ),
        migrations.RunSQL(DECISION, migrations.RunSQL.noop),
        *append_only("approvals_proof"),
    ]
