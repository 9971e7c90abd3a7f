-- Stops: a task, a category, all tasks that move money, or everything does not run.
--
-- * A stop begins in force, and is never removed.
-- * What is stopped, by whom and why never change.
-- * It is ended once, with an approved request that was opened after it.

CREATE FUNCTION tasks_guard_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Stops are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.ended_at IS NOT NULL OR NEW.approval_id IS NOT NULL THEN
            RAISE EXCEPTION 'A stop begins as stopped.' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['approval_id', 'ended_at'])
            <> (to_jsonb(OLD) - ARRAY['approval_id', 'ended_at']) OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'A stop is ended once, and not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.ended_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved' AND opened_at > NEW.stopped_at) THEN
        RAISE EXCEPTION 'Two people start again what one has stopped.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_stop BEFORE INSERT OR UPDATE OR DELETE ON tasks_stop
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_stop();
ALTER TABLE tasks_stop ENABLE ALWAYS TRIGGER tasks_guard_stop;
