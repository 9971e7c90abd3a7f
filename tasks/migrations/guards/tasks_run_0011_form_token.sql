-- Runs, again: which form made one stays known.
--
-- * The form that a run was requested with never changes, so that it makes no second run.

CREATE FUNCTION tasks_guard_form_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.form_token IS DISTINCT FROM OLD.form_token THEN
        RAISE EXCEPTION 'The form that a run was requested with never changes.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_form_token BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_form_token();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_form_token;
