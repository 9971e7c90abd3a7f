-- Emergencies, again: who reviews one is there.
--
-- * The review of an emergency has two reviewers at least who are not the requester.

CREATE FUNCTION tasks_guard_emergency_reviewers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT reviewer.person_id) FROM approvals_reviewer reviewer
            JOIN approvals_stage stage ON stage.id = reviewer.stage_id
            JOIN backoffice_user person ON person.id = reviewer.person_id
            WHERE stage.request_id = NEW.review_id AND reviewer.person_id <> NEW.by_id
                AND person.is_active) < 2 THEN
        RAISE EXCEPTION 'Nobody could review this emergency.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_emergency_reviewers BEFORE INSERT ON tasks_emergency
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_emergency_reviewers();
ALTER TABLE tasks_emergency ENABLE ALWAYS TRIGGER tasks_guard_emergency_reviewers;
