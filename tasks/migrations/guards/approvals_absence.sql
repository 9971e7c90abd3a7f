-- Absences, seen from the tasks: a deputy decides for somebody only by an applied proposal.
--
-- * An absence begins with an applied proposal of the same people and times, and one proposal
--   begins one absence.
--
-- The rest is guarded in approvals/migrations/guards/approvals_absence.sql, which knows no proposals.

CREATE FUNCTION tasks_guard_deputy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb := jsonb_build_object('person', NEW.person_id, 'deputy', NEW.deputy_id);
BEGIN
    IF NOT EXISTS (SELECT FROM tasks_proposal proposed
            WHERE proposed.kind = 'deputy' AND proposed.applied_at IS NOT NULL
                AND proposed.content @> said
                AND (proposed.content ->> 'starts_at')::timestamptz = NEW.starts_at
                AND (proposed.content ->> 'ends_at')::timestamptz = NEW.ends_at)
        OR EXISTS (SELECT FROM approvals_absence
            WHERE (person_id, deputy_id, starts_at, ends_at)
                = (NEW.person_id, NEW.deputy_id, NEW.starts_at, NEW.ends_at)) THEN
        RAISE EXCEPTION 'Somebody decides for another when that was proposed and agreed to, once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_deputy BEFORE INSERT ON approvals_absence
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_deputy();
ALTER TABLE approvals_absence ENABLE ALWAYS TRIGGER tasks_guard_deputy;
