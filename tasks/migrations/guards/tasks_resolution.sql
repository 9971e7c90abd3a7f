-- Resolutions: what a person found out about an uncertain run.
--
-- * Only an uncertain run is resolved, and nobody resolves their own.
-- * What was found never changes. A resolution is applied or dropped, once, and never removed.
-- * Where it needs approval, its request is made by who resolves the run, it begins open, and it is
--   applied only when that request is approved, without a decision by the run's requester.

CREATE FUNCTION tasks_guard_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    resolved tasks_run;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Resolutions are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO resolved FROM tasks_run WHERE id = NEW.run_id;
    IF NEW.resolved_by_id = resolved.requested_by_id THEN
        RAISE EXCEPTION 'Nobody resolves their own run.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF resolved.status <> 'uncertain' THEN
            RAISE EXCEPTION 'Only an uncertain run is resolved.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['applied_at', 'dropped_at'])
            <> (to_jsonb(OLD) - ARRAY['applied_at', 'dropped_at'])
        OR OLD.applied_at IS NOT NULL OR OLD.dropped_at IS NOT NULL
        OR (NEW.applied_at IS NOT NULL AND NEW.dropped_at IS NOT NULL) THEN
        RAISE EXCEPTION 'A resolution is applied or dropped once, and not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.applied_at IS NOT NULL AND NEW.approval_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved') THEN
        RAISE EXCEPTION 'This resolution has not been approved.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_resolution BEFORE INSERT OR UPDATE OR DELETE ON tasks_resolution
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_resolution();
ALTER TABLE tasks_resolution ENABLE ALWAYS TRIGGER tasks_guard_resolution;

CREATE FUNCTION tasks_guard_proposed_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.approval_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.applied_at IS NOT NULL OR NOT EXISTS (
                SELECT FROM approvals_approvalrequest
                WHERE id = NEW.approval_id AND requested_by_id = NEW.resolved_by_id) THEN
            RAISE EXCEPTION 'This resolution has not been approved.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.applied_at IS NOT NULL AND EXISTS (
            SELECT FROM approvals_decision decision JOIN tasks_run run ON run.id = NEW.run_id
            WHERE decision.request_id = NEW.approval_id
                AND decision.decided_by_id = run.requested_by_id) THEN
        RAISE EXCEPTION 'Nobody decides about their own run.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_proposed_change BEFORE INSERT OR UPDATE ON tasks_resolution
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_proposed_change();
ALTER TABLE tasks_resolution ENABLE ALWAYS TRIGGER tasks_guard_proposed_change;
