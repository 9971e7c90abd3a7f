-- The stages of a request: how many approvals each needs, from which groups and people.
--
-- * Stages, their groups and people and their reviewers are written by the transaction that opens
--   the request, and by no other: nobody is let in later.
-- * They are never changed or removed.
--
-- The same function guards approvals_reviewer.

CREATE FUNCTION approvals_guard_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'Who may decide a request never changes.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_TABLE_NAME = 'approvals_stage' THEN
        wanted := NEW.request_id;
    ELSE
        SELECT request_id INTO wanted FROM approvals_stage WHERE id = NEW.stage_id;
    END IF;
    IF NOT EXISTS (SELECT FROM approvals_approvalrequest WHERE id = wanted
            AND opened_in = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'Who may decide a request is said when it is opened, not later.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE ON approvals_stage
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE approvals_stage ENABLE ALWAYS TRIGGER approvals_guard_part;

CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE ON approvals_stage_groups
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE approvals_stage_groups ENABLE ALWAYS TRIGGER approvals_guard_part;

CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE ON approvals_stage_people
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE approvals_stage_people ENABLE ALWAYS TRIGGER approvals_guard_part;

CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE ON approvals_stage_escalate_to
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE approvals_stage_escalate_to ENABLE ALWAYS TRIGGER approvals_guard_part;
