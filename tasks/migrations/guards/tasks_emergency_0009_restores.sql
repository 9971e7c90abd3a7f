-- Emergencies: the number of a transaction is that of one server.
--
-- * The review of an emergency is requested in this very transaction, also where the database was
--   restored and the number of a transaction of then comes again.

CREATE FUNCTION tasks_guard_emergency_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM approvals_approvalrequest
            WHERE id = NEW.review_id AND age(xmin) <= 0) THEN
        RAISE EXCEPTION 'The review of an emergency is requested together with it.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_emergency_review BEFORE INSERT ON tasks_emergency
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_emergency_review();
ALTER TABLE tasks_emergency ENABLE ALWAYS TRIGGER tasks_guard_emergency_review;
