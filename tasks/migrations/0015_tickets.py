"""A rule may ask for the number of a ticket, which stays with the run."""

from django.db import migrations, models


TICKET = r"""
CREATE FUNCTION tasks_guard_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ticket <> OLD.ticket THEN
        RAISE EXCEPTION 'The ticket of a run never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_ticket BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_ticket();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_ticket;
"""
NO_TICKET = """
DROP TRIGGER tasks_guard_ticket ON tasks_run;
DROP FUNCTION tasks_guard_ticket();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0014_stops'),
    ]

    operations = [
        migrations.AddField(
            model_name='approvalrule',
            name='ticket_pattern',
            field=models.CharField(blank=True, db_default='', default='', max_length=200, verbose_name='asks for a ticket like'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='ticket_pattern',
            field=models.CharField(blank=True, db_default='', default='', max_length=200, verbose_name='asks for a ticket like'),
        ),
        migrations.AddField(
            model_name='historicalrun',
            name='ticket',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='run',
            name='ticket',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.RunSQL(TICKET, NO_TICKET),
    ]
