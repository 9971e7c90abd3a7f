-- Absences: who is away from when until when, and who decides meanwhile.
--
-- * The people and times of an absence never change. It may be ended early, once, at the time of
--   the database, and is never removed.
--
-- Who may begin one is guarded above this package: tasks/migrations/guards/approvals_absence.sql.

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

CREATE TRIGGER approvals_guard_absence BEFORE INSERT OR UPDATE OR DELETE ON approvals_absence
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_absence();
ALTER TABLE approvals_absence ENABLE ALWAYS TRIGGER approvals_guard_absence;
