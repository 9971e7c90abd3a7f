-- Emergencies: a run that goes ahead without approval, and is reviewed afterwards.
--
-- * An emergency is for a run that awaits approval, and made by that run's requester, with a proof
--   of who they are from the last 15 minutes.
-- * Its review is requested in the same transaction, from two others at least, within 24 hours.
-- * It is never changed or removed, and its time is the database's.

CREATE FUNCTION tasks_guard_emergency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'An emergency is never changed or removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM tasks_run WHERE id = NEW.run_id AND status = 'awaiting'
            AND requested_by_id = NEW.by_id) THEN
        RAISE EXCEPTION 'Only who asked runs it in an emergency, while it waits for approval.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM approvals_proof WHERE id = NEW.proof_id AND person_id = NEW.by_id
            AND recorded_at > clock_timestamp() - interval '15 minutes') THEN
        RAISE EXCEPTION 'Who runs something in an emergency proves first who they are.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM approvals_approvalrequest review
            WHERE review.id = NEW.review_id AND review.requested_by_id = NEW.by_id
                AND review.opened_in = pg_current_xact_id()::text::bigint
                AND review.expires_at <= clock_timestamp() + interval '24 hours'
                AND (SELECT sum(needed) FROM approvals_stage WHERE request_id = review.id) >= 2) THEN
        RAISE EXCEPTION 'Two others review an emergency within 24 hours.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_emergency BEFORE INSERT OR UPDATE OR DELETE ON tasks_emergency
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_emergency();
ALTER TABLE tasks_emergency ENABLE ALWAYS TRIGGER tasks_guard_emergency;
