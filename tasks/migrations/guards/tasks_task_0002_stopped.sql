-- Tasks: the rows behind the code.
--
-- * While a stop is in force that covers a task by its category, or because it moves money, neither
--   changes so that the stop would cover it no more.

CREATE FUNCTION tasks_guard_task_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM tasks_stop stop WHERE stop.ended_at IS NULL AND (
            (stop.scope = 'category' AND stop.category = OLD.category
                AND NEW.category IS DISTINCT FROM OLD.category)
            OR (stop.scope = 'money' AND OLD.moves_money AND NEW.moves_money IS NOT TRUE))) THEN
        RAISE EXCEPTION 'This task is stopped by its category, or because it moves money.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_task_stopped BEFORE UPDATE ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_task_stopped();
ALTER TABLE tasks_task ENABLE ALWAYS TRIGGER tasks_guard_task_stopped;
