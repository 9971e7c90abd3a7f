-- Requests, again.
--
-- * Whether a request can be revised never changes.
-- * It is closed once, when it is decided, withdrawn or expires: the time of that never changes.

CREATE FUNCTION approvals_guard_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revisable <> OLD.revisable OR (NEW.closed_at IS DISTINCT FROM OLD.closed_at
            AND (OLD.status <> 'pending' OR NEW.status = 'pending')) THEN
        RAISE EXCEPTION 'When a request was closed, and whether it can be revised, never changes.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_closed BEFORE UPDATE ON approvals_approvalrequest
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_closed();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approvals_guard_closed;
