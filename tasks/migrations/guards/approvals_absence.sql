-- Absences, seen from the tasks: a delegate decides for somebody only by an applied proposed_change.
--
-- * An absence begins with an applied proposed_change of the same people and times, and one proposed_change
--   begins one absence.
--
-- The rest is guarded in approvals/migrations/guards/approvals_absence.sql, which knows no proposed_changes.

CREATE FUNCTION tasks_guard_delegate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb := jsonb_build_object('person', NEW.person_id, 'delegate', NEW.delegate_id);
BEGIN
    IF NOT EXISTS (SELECT FROM tasks_proposedchange proposed
            WHERE proposed.kind = 'delegate' AND proposed.applied_at IS NOT NULL
                AND proposed.content @> said
                AND (proposed.content ->> 'starts_at')::timestamptz = NEW.starts_at
                AND (proposed.content ->> 'ends_at')::timestamptz = NEW.ends_at)
        OR EXISTS (SELECT FROM approvals_absence
            WHERE (person_id, delegate_id, starts_at, ends_at)
                = (NEW.person_id, NEW.delegate_id, NEW.starts_at, NEW.ends_at)) THEN
        RAISE EXCEPTION 'Somebody decides for another when that was proposed and agreed to, once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_delegate BEFORE INSERT ON approvals_absence
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_delegate();
ALTER TABLE approvals_absence ENABLE ALWAYS TRIGGER tasks_guard_delegate;
