"""The guard of runs knows what migration 0004 has added; a settlement is applied or dropped once."""

from django.db import migrations

from audit.database.append_only import append_only

RUN = r"""
CREATE OR REPLACE FUNCTION tasks_guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
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
            NEW.requested_at, NEW.again_of_id, NEW.undoes_id, NEW.concurrency_key)
        IS DISTINCT FROM (OLD.id, OLD.task_id, OLD.requested_by_id, OLD.door, OLD.reason,
            OLD.headline, OLD.values, OLD.preview, OLD.source_hash, OLD.seal, OLD.needs_approval,
            OLD.approval_id, OLD.requested_at, OLD.again_of_id, OLD.undoes_id,
            OLD.concurrency_key) THEN
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
"""

# What was found out never changes. It is applied, or dropped, and that is its end.
SETTLEMENT = r"""
CREATE FUNCTION tasks_guard_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    settled tasks_run;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Settlements are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO settled FROM tasks_run WHERE id = NEW.run_id;
    IF NEW.settled_by_id = settled.requested_by_id THEN
        RAISE EXCEPTION 'Nobody settles their own run.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF settled.status <> 'uncertain' THEN
            RAISE EXCEPTION 'Only an uncertain run is settled.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['applied_at', 'dropped_at'])
            <> (to_jsonb(OLD) - ARRAY['applied_at', 'dropped_at'])
        OR OLD.applied_at IS NOT NULL OR OLD.dropped_at IS NOT NULL
        OR (NEW.applied_at IS NOT NULL AND NEW.dropped_at IS NOT NULL) THEN
        RAISE EXCEPTION 'A settlement is applied or dropped once, and not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.applied_at IS NOT NULL AND NEW.approval_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved') THEN
        RAISE EXCEPTION 'This settlement has not been approved.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_settlement BEFORE INSERT OR UPDATE OR DELETE
    ON tasks_settlement FOR EACH ROW EXECUTE FUNCTION tasks_guard_settlement();
ALTER TABLE tasks_settlement ENABLE ALWAYS TRIGGER tasks_guard_settlement;
"""

NO_SETTLEMENT = """
DROP TRIGGER tasks_guard_settlement ON tasks_settlement;
DROP FUNCTION tasks_guard_settlement();
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0004_engine")]

    operations = [
        migrations.RunSQL(RUN, migrations.RunSQL.noop),
        migrations.RunSQL(SETTLEMENT, NO_SETTLEMENT),
        *append_only("tasks_historicalsettlement"),
    ]
