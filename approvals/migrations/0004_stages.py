"""What a rule says goes into its stage; a stage may let those decide who decided another one."""

from django.conf import settings
from django.db import migrations, models

# The constraint now speaks of one stage. That nobody decides a second one is said here: the lock on
# the request makes two decisions of one person come one after the other.
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
            AND reviewer.person_id = NEW.decided_by_id AND person.is_active) THEN
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

ESCALATION = """
CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE
    ON approvals_stage_escalate_to FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE approvals_stage_escalate_to ENABLE ALWAYS TRIGGER approvals_guard_part;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0003_notices'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='decision',
            name='one_person_one_decision',
        ),
        migrations.AddField(
            model_name='stage',
            name='escalate_after',
            field=models.DurationField(blank=True, null=True, verbose_name='escalated after'),
        ),
        migrations.AddField(
            model_name='stage',
            name='escalate_to',
            field=models.ManyToManyField(related_name='+', to='auth.group'),
        ),
        migrations.AddField(
            model_name='stage',
            name='fresh_proof',
            field=models.BooleanField(db_default=False, default=False, verbose_name='who agrees proves anew who they are'),
        ),
        migrations.AddField(
            model_name='stage',
            name='may_serve_twice',
            field=models.BooleanField(db_default=False, default=False, verbose_name='may be decided by who has decided another stage'),
        ),
        migrations.AddField(
            model_name='stage',
            name='remind_after',
            field=models.DurationField(blank=True, null=True, verbose_name='reminded after'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.UniqueConstraint(fields=('stage', 'decided_by'), name='one_person_one_decision'),
        ),
        migrations.RunSQL(DECISION, migrations.RunSQL.noop),
        migrations.RunSQL(
            ESCALATION, "DROP TRIGGER approvals_guard_part ON approvals_stage_escalate_to;"
        ),
    ]
