"""Slack: who somebody is there, where a group is asked, and what a request lets it decide."""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


# What Slack may do with a request is said when it is opened.
REQUEST = r"""
CREATE FUNCTION approvals_guard_slack_mode() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What Slack may show of a request never changes.'
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER approvals_guard_slack_mode BEFORE UPDATE ON approvals_approvalrequest
    FOR EACH ROW WHEN (OLD.slack_mode IS DISTINCT FROM NEW.slack_mode)
    EXECUTE FUNCTION approvals_guard_slack_mode();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approvals_guard_slack_mode;
"""

NO_REQUEST = """
DROP TRIGGER approvals_guard_slack_mode ON approvals_approvalrequest;
DROP FUNCTION approvals_guard_slack_mode();
"""

# A decision made in Slack: where the request allows it, where nobody has to prove anything, and by
# somebody whose account there is linked.
DECISION = r"""
CREATE FUNCTION approvals_guard_slack_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_approvalrequest request
        JOIN approvals_stage stage ON stage.request_id = request.id
        WHERE request.id = NEW.request_id AND stage.id = NEW.stage_id
            AND request.slack_mode = 'decide' AND NOT stage.fresh_proof) THEN
        RAISE EXCEPTION 'This request is not decided in Slack.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM approvals_slacklink link
        WHERE link.person_id = NEW.decided_by_id AND link.confirmed_at IS NOT NULL
            AND link.ended_at IS NULL) THEN
        RAISE EXCEPTION 'This person has linked no Slack account.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_slack_decision BEFORE INSERT ON approvals_decision
    FOR EACH ROW WHEN (NEW.door = 'slack') EXECUTE FUNCTION approvals_guard_slack_decision();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_slack_decision;
"""

NO_DECISION = """
DROP TRIGGER approvals_guard_slack_decision ON approvals_decision;
DROP FUNCTION approvals_guard_slack_decision();
"""

# Whose a link is never changes; it begins unconfirmed, is confirmed once and ended once.
LINK = r"""
CREATE FUNCTION approvals_guard_slack_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Links to Slack are ended, never removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.offered_at := clock_timestamp();
        NEW.confirmed_at := NULL;
        NEW.ended_at := NULL;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.person_id, NEW.team, NEW.user, NEW.offered_at)
            IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.team, OLD.user, OLD.offered_at)
        OR (OLD.confirmed_at IS DISTINCT FROM NEW.confirmed_at AND OLD.confirmed_at IS NOT NULL)
        OR (OLD.ended_at IS NOT NULL) THEN
        RAISE EXCEPTION 'A link to Slack is confirmed once and ended once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.confirmed_at IS DISTINCT FROM NEW.confirmed_at THEN
        NEW.confirmed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_slack_link BEFORE INSERT OR UPDATE OR DELETE
    ON approvals_slacklink FOR EACH ROW EXECUTE FUNCTION approvals_guard_slack_link();
ALTER TABLE approvals_slacklink ENABLE ALWAYS TRIGGER approvals_guard_slack_link;
"""

NO_LINK = """
DROP TRIGGER approvals_guard_slack_link ON approvals_slacklink;
DROP FUNCTION approvals_guard_slack_link();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0013_picked_reviewers'),
        ('audit', '0002_append_only'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='approvalrequest',
            name='slack_mode',
            field=models.CharField(choices=[('off', 'Nothing'), ('notify', 'That something waits'), ('link', 'Who asks for what, with a link'), ('decide', 'All of it, with buttons that decide')], db_default='link', default='link', max_length=10, verbose_name='in Slack'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrequest',
            name='slack_mode',
            field=models.CharField(choices=[('off', 'Nothing'), ('notify', 'That something waits'), ('link', 'Who asks for what, with a link'), ('decide', 'All of it, with buttons that decide')], db_default='link', default='link', max_length=10, verbose_name='in Slack'),
        ),
        migrations.CreateModel(
            name='SlackRoom',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=20, verbose_name='Slack channel')),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='slack_room', to='auth.group')),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalSlackLink',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('team', models.CharField(max_length=20, verbose_name='workspace')),
                ('user', models.CharField(max_length=20, verbose_name='Slack user')),
                ('offered_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'history of slack link',
                'verbose_name_plural': 'history of slack links',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='approvals_h_id_bee657_idx'), models.Index(fields=['history_user', '-history_id'], name='approvals_h_history_4d4cdc_idx'), models.Index(fields=['-history_date', '-history_id'], name='approvals_h_history_ab58d1_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalSlackRoom',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('channel', models.CharField(max_length=20, verbose_name='Slack channel')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('group', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='auth.group')),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'history of slack room',
                'verbose_name_plural': 'history of slack rooms',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='approvals_h_id_ba424a_idx'), models.Index(fields=['history_user', '-history_id'], name='approvals_h_history_afd36d_idx'), models.Index(fields=['-history_date', '-history_id'], name='approvals_h_history_7ded49_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='SlackLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('team', models.CharField(max_length=20, verbose_name='workspace')),
                ('user', models.CharField(max_length=20, verbose_name='Slack user')),
                ('offered_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='slack_links', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['person', '-id'], name='slack_link_of_person')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', False), ('ended_at', None)), fields=('person',), name='one_slack_account_of_a_person'), models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', False), ('ended_at', None)), fields=('team', 'user'), name='one_person_of_a_slack_account'), models.CheckConstraint(condition=models.Q(('confirmed_at', None), ('confirmed_at__lte', django.db.models.expressions.CombinedExpression(models.F('offered_at'), '+', models.Value(datetime.timedelta(seconds=600)))), _connector='OR'), name='a_slack_link_is_confirmed_in_time')],
            },
        ),
        migrations.RunSQL(REQUEST, NO_REQUEST),
        migrations.RunSQL(DECISION, NO_DECISION),
        migrations.RunSQL(LINK, NO_LINK),
        *append_only("approvals_historicalslacklink", "approvals_historicalslackroom"),
    ]
