-- Subscriptions: which runs a person is notified of.
--
-- * A subscription begins open, at the time of the database, and is never removed.
-- * Whose it is, of which task, states and condition never change. It is ended once.

CREATE FUNCTION tasks_guard_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Subscriptions are ended, never removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.made_at := clock_timestamp();
        NEW.ended_at := NULL;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.person_id, NEW.task_id, NEW.states, NEW.condition, NEW.made_at)
        IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.task_id, OLD.states, OLD.condition,
            OLD.made_at) OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
    THEN
        RAISE EXCEPTION 'What somebody is told of never changes: it is ended, once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_subscription BEFORE INSERT OR UPDATE OR DELETE ON tasks_subscription
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_subscription();
ALTER TABLE tasks_subscription ENABLE ALWAYS TRIGGER tasks_guard_subscription;
