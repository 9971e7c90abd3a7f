-- The reviewers: who may decide in which stage of a request.
--
-- * They are written with the request, and never changed or removed: see approvals_stage.sql.
-- * A delegate has a place only for a reviewer of the same stage, and because of an absence with this
--   delegate that begins before the delegate may decide.

CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE ON approvals_reviewer
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE approvals_reviewer ENABLE ALWAYS TRIGGER approvals_guard_part;

CREATE FUNCTION approvals_guard_stand_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_reviewer reviewer
        JOIN approvals_absence absence ON absence.person_id = reviewer.person_id
        WHERE reviewer.stage_id = NEW.stage_id AND reviewer.person_id = NEW.on_behalf_of_id
            AND reviewer.on_behalf_of_id IS NULL AND absence.delegate_id = NEW.person_id
            AND absence.starts_at <= NEW.not_before AND absence.ended_at IS NULL) THEN
        RAISE EXCEPTION 'This person stands in for nobody who may decide this.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_stand_in BEFORE INSERT ON approvals_reviewer
    FOR EACH ROW WHEN (NEW.on_behalf_of_id IS NOT NULL)
    EXECUTE FUNCTION approvals_guard_stand_in();
ALTER TABLE approvals_reviewer ENABLE ALWAYS TRIGGER approvals_guard_stand_in;
