"""No run without its quorum, no second run of a request, no step back: by the database too."""

from django.db import migrations

from audit.database.append_only import append_only

RUN = r"""
CREATE FUNCTION tasks_guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Runs are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> (CASE WHEN NEW.needs_approval THEN 'awaiting' ELSE 'queued' END) THEN
            RAISE EXCEPTION 'A run begins as awaiting approval, or queued where none is needed.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.needs_approval THEN
            SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
            IF asked.seal <> NEW.seal OR asked.requested_by_id <> NEW.requested_by_id THEN
                RAISE EXCEPTION 'The request is about something else.'
                    USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.task_id, NEW.requested_by_id, NEW.door, NEW.reason, NEW.headline, NEW.values,
            NEW.preview, NEW.source_hash, NEW.seal, NEW.needs_approval, NEW.approval_id,
            NEW.requested_at, NEW.again_of_id)
        IS DISTINCT FROM (OLD.id, OLD.task_id, OLD.requested_by_id, OLD.door, OLD.reason,
            OLD.headline, OLD.values, OLD.preview, OLD.source_hash, OLD.seal, OLD.needs_approval,
            OLD.approval_id, OLD.requested_at, OLD.again_of_id) THEN
        RAISE EXCEPTION 'What a run does never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (
            ('awaiting', 'queued'), ('awaiting', 'rejected'), ('awaiting', 'cancelled'),
            ('awaiting', 'expired'), ('queued', 'running'), ('queued', 'cancelled'),
            ('queued', 'stale'), ('queued', 'uncertain'), ('running', 'succeeded'), ('running', 'failed'),
            ('running', 'uncertain'), ('running', 'cancelled'), ('running', 'queued'),
            ('uncertain', 'succeeded'), ('uncertain', 'failed'), ('uncertain', 'queued')) THEN
        RAISE EXCEPTION 'A run that is % does not become %.', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.needs_approval AND NEW.status IN ('queued', 'running') AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved' AND seal = NEW.seal) THEN
        RAISE EXCEPTION 'This run has not been approved.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_run BEFORE INSERT OR UPDATE OR DELETE
    ON tasks_run FOR EACH ROW EXECUTE FUNCTION tasks_guard_run();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_run;
"""

NO_RUN = """
DROP TRIGGER tasks_guard_run ON tasks_run;
DROP FUNCTION tasks_guard_run();
"""

# A rule's row says what was in force at its time: it may only be ended.
RULE = r"""
CREATE FUNCTION tasks_guard_rule() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER tasks_guard_rule BEFORE UPDATE OR DELETE
    ON tasks_approvalrule FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule();
ALTER TABLE tasks_approvalrule ENABLE ALWAYS TRIGGER tasks_guard_rule;
"""

NO_RULE = """
DROP TRIGGER tasks_guard_rule ON tasks_approvalrule;
DROP FUNCTION tasks_guard_rule();
"""

# The queue is read by key and lock; django-q2 brings no index for that.
QUEUE_INDEX = "CREATE INDEX tasks_queue_order ON django_q_ormq (key, lock, id);"


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0001_initial"),
        ("approvals", "0002_guard"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [
        migrations.RunSQL(RUN, NO_RUN),
        migrations.RunSQL(RULE, NO_RULE),
        migrations.RunSQL(QUEUE_INDEX, "DROP INDEX tasks_queue_order;"),
        *append_only(
            "tasks_historicaltask",
            "tasks_historicalrun",
            "tasks_historicalapprovalrule",
            "tasks_historicaltaskuserpermission",
            "tasks_historicaltaskgrouppermission",
        ),
    ]
