-- Absences, seen from the tasks, again: who is away and their delegate agree to nothing of it.
--
-- * An absence begins with an applied proposed_change of the same people and times, and one proposed_change
--   begins one absence. Neither of the two has approved it.

CREATE OR REPLACE FUNCTION tasks_guard_delegate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb := jsonb_build_object('person', NEW.person_id, 'delegate', NEW.delegate_id);
BEGIN
    IF NOT EXISTS (SELECT FROM tasks_proposedchange proposed
            WHERE proposed.kind = 'delegate' AND proposed.applied_at IS NOT NULL
                AND proposed.content @> said
                AND (proposed.content ->> 'starts_at')::timestamptz = NEW.starts_at
                AND (proposed.content ->> 'ends_at')::timestamptz = NEW.ends_at
                AND NOT EXISTS (SELECT FROM approvals_decision yes
                    WHERE yes.request_id = proposed.approval_id AND yes.verdict = 'approve'
                        AND yes.decided_by_id IN (NEW.person_id, NEW.delegate_id)))
        OR EXISTS (SELECT FROM approvals_absence
            WHERE (person_id, delegate_id, starts_at, ends_at)
                = (NEW.person_id, NEW.delegate_id, NEW.starts_at, NEW.ends_at)) THEN
        RAISE EXCEPTION 'Somebody decides for another when that was proposed and agreed to, once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
