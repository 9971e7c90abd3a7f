-- Runs, again: which run asked for one stays known, and is one that could.
--
-- * A run that another one asked for is of the same requester, and was asked for while that one ran.
-- * By which run it was asked for never changes.

CREATE FUNCTION tasks_guard_called_by() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.called_by_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM tasks_run WHERE id = NEW.called_by_id AND status = 'running'
                    AND requested_by_id = NEW.requested_by_id) THEN
            RAISE EXCEPTION 'A run is requested by a run of the same person, while that one runs.'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.called_by_id IS DISTINCT FROM OLD.called_by_id THEN
        RAISE EXCEPTION 'By which run a run was requested never changes.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_called_by BEFORE INSERT OR UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_called_by();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_called_by;
