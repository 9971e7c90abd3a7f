"""Somebody decides for who is away when that was proposed and agreed to."""

from django.db import migrations, models

DEPUTY = r"""
CREATE FUNCTION tasks_guard_deputy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb := jsonb_build_object('person', NEW.person_id, 'deputy', NEW.deputy_id);
BEGIN
    IF NOT EXISTS (SELECT FROM tasks_proposal proposed
            WHERE proposed.kind = 'deputy' AND proposed.applied_at IS NOT NULL
                AND proposed.content @> said
                AND (proposed.content ->> 'starts_at')::timestamptz = NEW.starts_at
                AND (proposed.content ->> 'ends_at')::timestamptz = NEW.ends_at)
        OR EXISTS (SELECT FROM approvals_absence
            WHERE (person_id, deputy_id, starts_at, ends_at)
                = (NEW.person_id, NEW.deputy_id, NEW.starts_at, NEW.ends_at)) THEN
        RAISE EXCEPTION 'Somebody decides for another when that was proposed and agreed to, once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_deputy BEFORE INSERT ON approvals_absence
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_deputy();
ALTER TABLE approvals_absence ENABLE ALWAYS TRIGGER tasks_guard_deputy;
"""

NO_DEPUTY = """
DROP TRIGGER tasks_guard_deputy ON approvals_absence;
DROP FUNCTION tasks_guard_deputy();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0015_absences'),
        ('tasks', '0019_emergencies'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalproposal',
            name='kind',
            field=models.CharField(choices=[('rule', 'Put a rule in force'), ('end', 'End a rule'), ('grant', 'Give a right'), ('join', 'Put somebody into a group'), ('open', 'Open an account again'), ('deputy', 'Let somebody decide for who is away')], max_length=10, verbose_name='what'),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='kind',
            field=models.CharField(choices=[('rule', 'Put a rule in force'), ('end', 'End a rule'), ('grant', 'Give a right'), ('join', 'Put somebody into a group'), ('open', 'Open an account again'), ('deputy', 'Let somebody decide for who is away')], max_length=10, verbose_name='what'),
        ),
        migrations.RunSQL(DEPUTY, NO_DEPUTY),
    ]
