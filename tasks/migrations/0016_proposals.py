"""A change of a task's rules is proposed by one person and made when another has agreed."""

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.database.append_only import append_only


# Closed accounts and rights that were taken away stay in the history, which nobody rewrites.
SHARED = r"""
CREATE FUNCTION tasks_was_shared(task bigint, person bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM backoffice_historicaluser
            WHERE is_superuser AND is_active AND id <> person)
        OR EXISTS (SELECT FROM tasks_historicaltaskuserpermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            WHERE held.content_object_id = task AND permission.codename = 'change_task'
                AND held.user_id <> person)
        OR EXISTS (SELECT FROM tasks_historicaltaskgrouppermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            JOIN backoffice_historicalmembership member ON member.group_id = held.group_id
            WHERE held.content_object_id = task AND permission.codename = 'change_task'
                AND member.user_id <> person)
$$;
"""
NOT_SHARED = "DROP FUNCTION tasks_was_shared(bigint, bigint);"
PROPOSAL = r"""
CREATE FUNCTION tasks_guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Proposals are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
    IF TG_OP = 'INSERT' THEN
        IF NEW.approval_id IS NULL AND (NEW.applied_at IS NULL
                OR tasks_was_shared(NEW.task_id, NEW.proposed_by_id)) THEN
            RAISE EXCEPTION 'A change of this task takes two people who administer it.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.approval_id IS NOT NULL AND (NEW.applied_at IS NOT NULL OR asked.status <> 'pending'
                OR asked.requested_by_id <> NEW.proposed_by_id) THEN
            RAISE EXCEPTION 'A proposal begins with its own question.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['applied_at', 'dropped_at'])
            <> (to_jsonb(OLD) - ARRAY['applied_at', 'dropped_at'])
            OR OLD.applied_at IS NOT NULL OR OLD.dropped_at IS NOT NULL THEN
        RAISE EXCEPTION 'What was proposed never changes, and is made or dropped once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.applied_at IS NOT NULL AND asked.status <> 'approved' THEN
        RAISE EXCEPTION 'Nobody has agreed to this change.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_change BEFORE INSERT OR UPDATE OR DELETE ON tasks_proposal
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_change();
ALTER TABLE tasks_proposal ENABLE ALWAYS TRIGGER tasks_guard_change;
"""
NO_PROPOSAL = """
DROP TRIGGER tasks_guard_change ON tasks_proposal;
DROP FUNCTION tasks_guard_change();
"""
# The rules that come with the code are written before anybody has asked for a run.
RULE = r"""
CREATE OR REPLACE FUNCTION tasks_guard_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Rules are ended, not removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.written_in := pg_current_xact_id()::text::bigint;
        IF NEW.ended_at IS NOT NULL OR NOT (CASE WHEN NEW.brought_by_id IS NULL
            THEN NEW.replaces_id IS NULL
                AND NOT EXISTS (SELECT FROM tasks_run WHERE task_id = NEW.task_id)
            ELSE EXISTS (SELECT FROM tasks_proposal proposed
                WHERE proposed.id = NEW.brought_by_id AND proposed.applied_at IS NOT NULL
                    AND proposed.kind = 'rule' AND proposed.task_id = NEW.task_id
                    AND proposed.rule_id IS NOT DISTINCT FROM NEW.replaces_id
                    AND proposed.content ->> 'name' = NEW.name
                    AND proposed.content ->> 'condition' = NEW.condition
                    AND (proposed.content ->> 'needed')::integer = NEW.needed) END) THEN
            RAISE EXCEPTION 'A rule is in force when it was proposed and agreed to.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - 'ended_at') <> (to_jsonb(OLD) - 'ended_at') OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'A rule is replaced by a new version, not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.ended_at IS NOT NULL AND NOT EXISTS (SELECT FROM tasks_proposal
            WHERE rule_id = NEW.id AND applied_at IS NOT NULL) THEN
        RAISE EXCEPTION 'A rule is ended when that was proposed and agreed to.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER tasks_guard_rule ON tasks_approvalrule;
CREATE TRIGGER tasks_guard_rule BEFORE INSERT OR UPDATE OR DELETE ON tasks_approvalrule
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule();
ALTER TABLE tasks_approvalrule ENABLE ALWAYS TRIGGER tasks_guard_rule;
"""
NO_RULE = r"""
DROP TRIGGER tasks_guard_rule ON tasks_approvalrule;
CREATE OR REPLACE FUNCTION tasks_guard_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Rules are ended, not removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - 'ended_at') <> (to_jsonb(OLD) - 'ended_at') OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'A rule is replaced by a new version, not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard_rule BEFORE UPDATE OR DELETE ON tasks_approvalrule
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule();
ALTER TABLE tasks_approvalrule ENABLE ALWAYS TRIGGER tasks_guard_rule;
"""
PART = r"""
CREATE FUNCTION tasks_guard_rule_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' OR NOT EXISTS (SELECT FROM tasks_approvalrule
            WHERE id = NEW.approvalrule_id AND written_in = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'The groups and people of a rule come with it, and never change.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
NO_PART = "DROP FUNCTION tasks_guard_rule_part();"
PART_TABLES = (
    "tasks_approvalrule_groups",
    "tasks_approvalrule_people",
    "tasks_approvalrule_escalate_to",
)
PART_TRIGGERS = "".join(
    f"""
CREATE TRIGGER tasks_guard_rule_part BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule_part();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER tasks_guard_rule_part;
"""
    for table in PART_TABLES
)
NO_PART_TRIGGERS = "".join(
    f"DROP TRIGGER tasks_guard_rule_part ON {table};" for table in PART_TABLES
)


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0012_one_of_three'),
        ('tasks', '0015_tickets'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='approvalrule',
            name='written_in',
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('rule', 'Put a rule in force'), ('end', 'End a rule')], max_length=10, verbose_name='what')),
                ('content', models.JSONField(default=dict, verbose_name='what it says')),
                ('reason', models.TextField(blank=True, verbose_name='why')),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('applied_at', models.DateTimeField(blank=True, null=True, verbose_name='made at')),
                ('dropped_at', models.DateTimeField(blank=True, null=True, verbose_name='dropped at')),
                ('approval', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposal', to='approvals.approvalrequest')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rule', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='tasks.approvalrule')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='tasks.task')),
            ],
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='brought_by',
            field=models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='brought', to='tasks.proposal'),
        ),
        migrations.AddField(
            model_name='historicalapprovalrule',
            name='brought_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.proposal'),
        ),
        migrations.CreateModel(
            name='HistoricalProposal',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_label', models.TextField(editable=False)),
                ('history_door', models.CharField(editable=False, max_length=20)),
                ('history_request_id', models.CharField(blank=True, editable=False, max_length=32)),
                ('history_ip', models.GenericIPAddressField(editable=False, null=True)),
                ('recorded_at', models.DateTimeField(editable=False, null=True)),
                ('kind', models.CharField(choices=[('rule', 'Put a rule in force'), ('end', 'End a rule')], max_length=10, verbose_name='what')),
                ('content', models.JSONField(default=dict, verbose_name='what it says')),
                ('reason', models.TextField(blank=True, verbose_name='why')),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('applied_at', models.DateTimeField(blank=True, null=True, verbose_name='made at')),
                ('dropped_at', models.DateTimeField(blank=True, null=True, verbose_name='dropped at')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('approval', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='approvals.approvalrequest')),
                ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposed_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rule', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.approvalrule')),
                ('task', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tasks.task')),
            ],
            options={
                'verbose_name': 'history of proposal',
                'verbose_name_plural': 'history of proposals',
                'ordering': ('-history_id',),
                'get_latest_by': 'history_id',
                'default_permissions': (),
                'indexes': [models.Index(fields=['id', '-history_id'], name='tasks_histo_id_734308_idx'), models.Index(fields=['history_user', '-history_id'], name='tasks_histo_history_217f6a_idx'), models.Index(fields=['-history_date', '-history_id'], name='tasks_histo_history_9f9a24_idx')],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('applied_at', None), ('dropped_at', None)), fields=('rule',), name='one_open_proposal_for_a_rule'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(('applied_at', None), ('dropped_at', None), _connector='OR'), name='a_proposal_is_made_or_dropped'),
        ),
        migrations.RunSQL(SHARED, NOT_SHARED),
        migrations.RunSQL(PROPOSAL, NO_PROPOSAL),
        migrations.RunSQL(RULE, NO_RULE),
        migrations.RunSQL(PART, NO_PART),
        migrations.RunSQL(PART_TRIGGERS, NO_PART_TRIGGERS),
        *append_only("tasks_historicalproposal"),
    ]
