-- Pauses of running runs.
--
-- * A pause begins open, for a run that is running; its request, where it has one, is pending and
--   made by the run's requester. A pause is never removed.
-- * Why the run paused and what had been done by then never change.
-- * It is resumed, by a person, or ended: one of them, once.
-- * Where somebody has to look first, the run's requester does not resume it, and its request must
--   be approved.

CREATE FUNCTION tasks_guard_pause() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paused tasks_run;
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Pauses are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO paused FROM tasks_run WHERE id = NEW.run_id;
    SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
    IF TG_OP = 'INSERT' THEN
        IF paused.status <> 'running' OR NEW.resumed_at IS NOT NULL OR NEW.ended_at IS NOT NULL
            OR asked.requested_by_id <> paused.requested_by_id OR asked.status <> 'pending' THEN
            RAISE EXCEPTION 'Only a running run pauses, for its own request.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['resumed_at', 'resumed_by_id', 'ended_at'])
            <> (to_jsonb(OLD) - ARRAY['resumed_at', 'resumed_by_id', 'ended_at'])
        OR OLD.resumed_at IS NOT NULL OR OLD.ended_at IS NOT NULL
        OR (NEW.resumed_at IS NOT NULL AND NEW.ended_at IS NOT NULL)
        OR (NEW.resumed_at IS NULL) <> (NEW.resumed_by_id IS NULL) THEN
        RAISE EXCEPTION 'A pause is ended once, and not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.resumed_at IS NOT NULL AND NEW.needs_look AND (
            NEW.resumed_by_id = paused.requested_by_id
            OR (NEW.approval_id IS NOT NULL AND asked.status <> 'approved')) THEN
        RAISE EXCEPTION 'Somebody else has to look before this run goes on.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_pause BEFORE INSERT OR UPDATE OR DELETE ON tasks_pause
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_pause();
ALTER TABLE tasks_pause ENABLE ALWAYS TRIGGER tasks_guard_pause;
