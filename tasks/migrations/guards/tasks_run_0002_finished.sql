-- Runs, again: what became of one stays as it was.
--
-- * Result, error, traceback, times and number of the attempt of a run that is over never change.

CREATE FUNCTION tasks_guard_finished() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('succeeded', 'failed', 'cancelled', 'rejected', 'returned', 'expired', 'stale')
        AND (NEW.output, NEW.error, NEW.traceback, NEW.started_at, NEW.finished_at, NEW.attempt)
            IS DISTINCT FROM (OLD.output, OLD.error, OLD.traceback, OLD.started_at,
                OLD.finished_at, OLD.attempt) THEN
        RAISE EXCEPTION 'What became of a run never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_finished BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_finished();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_finished;
