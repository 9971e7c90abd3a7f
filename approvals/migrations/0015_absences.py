"""Who is away, and who decides in their place: one place, and one decision from it."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


# Whose it is and its time never change; it is ended early once. Who may begin one is said above
# this package: tasks/migrations/0020_deputies.py.
ABSENCE = r"""
CREATE FUNCTION approvals_guard_absence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Absences are ended, never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.ended_at := NULL;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - 'ended_at') <> (to_jsonb(OLD) - 'ended_at') OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'An absence never changes, and is ended early once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.ended_at IS NOT NULL THEN
        NEW.ended_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_absence BEFORE INSERT OR UPDATE OR DELETE
    ON approvals_absence FOR EACH ROW EXECUTE FUNCTION approvals_guard_absence();
ALTER TABLE approvals_absence ENABLE ALWAYS TRIGGER approvals_guard_absence;
"""

NO_ABSENCE = """
DROP TRIGGER approvals_guard_absence ON approvals_absence;
DROP FUNCTION approvals_guard_absence();
"""

# Somebody stands in for a reviewer of the same stage, and because of an absence that was known.
STAND_IN = r"""
CREATE FUNCTION approvals_guard_stand_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_reviewer reviewer
        JOIN approvals_absence absence ON absence.person_id = reviewer.person_id
        WHERE reviewer.stage_id = NEW.stage_id AND reviewer.person_id = NEW.stands_in_for_id
            AND reviewer.stands_in_for_id IS NULL AND absence.deputy_id = NEW.person_id
            AND absence.starts_at <= NEW.not_before AND absence.ended_at IS NULL) THEN
        RAISE EXCEPTION 'This person stands in for nobody who may decide this.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_stand_in BEFORE INSERT ON approvals_reviewer
    FOR EACH ROW WHEN (NEW.stands_in_for_id IS NOT NULL)
    EXECUTE FUNCTION approvals_guard_stand_in();
ALTER TABLE approvals_reviewer ENABLE ALWAYS TRIGGER approvals_guard_stand_in;
"""

NO_STAND_IN = """
DROP TRIGGER approvals_guard_stand_in ON approvals_reviewer;
DROP FUNCTION approvals_guard_stand_in();
"""

# The request is locked by approvals_guard_decision, which comes first: triggers fire by their name.
PLACE = r"""
CREATE FUNCTION approvals_guard_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_reviewer
        WHERE stage_id = NEW.stage_id AND person_id = NEW.decided_by_id
            AND stands_in_for_id IS NOT DISTINCT FROM NEW.on_behalf_of_id) THEN
        RAISE EXCEPTION 'This place is not this person''s.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.on_behalf_of_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM approvals_absence absence
        JOIN backoffice_user away ON away.id = absence.person_id
        WHERE absence.person_id = NEW.on_behalf_of_id AND absence.deputy_id = NEW.decided_by_id
            AND away.is_active AND absence.ended_at IS NULL
            AND clock_timestamp() BETWEEN absence.starts_at AND absence.ends_at) THEN
        RAISE EXCEPTION 'Nobody is away for whom this person decides.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM approvals_decision earlier
        WHERE earlier.request_id = NEW.request_id
            AND ARRAY[NEW.decided_by_id, NEW.on_behalf_of_id]
                && ARRAY[earlier.decided_by_id, earlier.on_behalf_of_id]
            AND (earlier.stage_id = NEW.stage_id OR NOT (
                SELECT may_serve_twice FROM approvals_stage WHERE id = NEW.stage_id))) THEN
        RAISE EXCEPTION 'This place has decided this request already.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_place BEFORE INSERT ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_place();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_place;
"""

NO_PLACE = """
DROP TRIGGER approvals_guard_place ON approvals_decision;
DROP FUNCTION approvals_guard_place();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0014_slack'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(verbose_name='until')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended early at')),
            ],
            options={
                'ordering': ['starts_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalAbsence',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(verbose_name='until')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended early at')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'history of absence',
                'verbose_name_plural': 'history of absences',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RemoveConstraint(
            model_name='reviewer',
            name='reviewer_once',
        ),
        migrations.AddField(
            model_name='decision',
            name='on_behalf_of',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='in the place of'),
        ),
        migrations.AddField(
            model_name='historicaldecision',
            name='on_behalf_of',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='in the place of'),
        ),
        migrations.AddField(
            model_name='reviewer',
            name='stands_in_for',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='in the place of'),
        ),
        migrations.AddConstraint(
            model_name='reviewer',
            constraint=models.UniqueConstraint(fields=('person', 'stage', 'stands_in_for'), name='one_place_once', nulls_distinct=False),
        ),
        migrations.AddField(
            model_name='absence',
            name='deputy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences_of_others', to=settings.AUTH_USER_MODEL, verbose_name='who decides meanwhile'),
        ),
        migrations.AddField(
            model_name='absence',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences', to=settings.AUTH_USER_MODEL, verbose_name='who is away'),
        ),
        migrations.AddField(
            model_name='historicalabsence',
            name='deputy',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who decides meanwhile'),
        ),
        migrations.AddField(
            model_name='historicalabsence',
            name='history_user',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalabsence',
            name='person',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who is away'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('person', models.F('deputy')), _negated=True), name='nobody_stands_in_for_themselves'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('starts_at__lt', models.F('ends_at'))), name='an_absence_ends_after_it_starts'),
        ),
        migrations.AddIndex(
            model_name='historicalabsence',
            index=models.Index(fields=['id', '-history_id'], name='approvals_h_id_132597_idx'),
        ),
        migrations.AddIndex(
            model_name='historicalabsence',
            index=models.Index(fields=['history_user', '-history_id'], name='approvals_h_history_2ecf09_idx'),
        ),
        migrations.AddIndex(
            model_name='historicalabsence',
            index=models.Index(fields=['-history_date', '-history_id'], name='approvals_h_history_530124_idx'),
        ),
        migrations.RunSQL(ABSENCE, NO_ABSENCE),
        migrations.RunSQL(STAND_IN, NO_STAND_IN),
        migrations.RunSQL(PLACE, NO_PLACE),
        *append_only('approvals_historicalabsence'),
    ]
