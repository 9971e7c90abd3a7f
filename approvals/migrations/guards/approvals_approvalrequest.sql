-- Requests for approval.
--
-- * A request begins as pending, and is never removed.
-- * What is requested, by whom, why, until when, and the seal over it never change; nor does what
--   Slack may do with it.
-- * It moves only from pending to a decision, a withdrawal or its expiry, and from approved to stale.
-- * It is approved only when each of its stages has the approvals that it needs, from different
--   people, and nobody has rejected it or requested changes.

-- Whether a request has the approvals that all of its stages need.
CREATE FUNCTION approvals_has_quorum(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT count(*) > 0
        AND bool_and(stage.needed <= (
            SELECT count(DISTINCT decided_by_id) FROM approvals_decision
            WHERE stage_id = stage.id AND request_id = wanted AND verdict = 'approve'))
        AND NOT EXISTS (SELECT FROM approvals_decision
            WHERE request_id = wanted AND verdict IN ('reject', 'change'))
    FROM approvals_stage stage WHERE stage.request_id = wanted
$$;

-- opened_in is the transaction that opened the request: see approvals_stage.sql.
CREATE FUNCTION approvals_guard_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' THEN
            RAISE EXCEPTION 'A request begins as pending.' USING ERRCODE = 'restrict_violation';
        END IF;
        NEW.opened_in := pg_current_xact_id()::text::bigint;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Requests are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.title, NEW.shown, NEW.seal, NEW.requested_by_id, NEW.reason, NEW.opened_at,
            NEW.expires_at, NEW.opened_in)
        IS DISTINCT FROM (OLD.id, OLD.title, OLD.shown, OLD.seal, OLD.requested_by_id, OLD.reason,
            OLD.opened_at, OLD.expires_at, OLD.opened_in) THEN
        RAISE EXCEPTION 'What a request asks never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status IS NOT DISTINCT FROM OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (('pending', 'approved'), ('pending', 'rejected'),
            ('pending', 'returned'), ('pending', 'withdrawn'), ('pending', 'expired'),
            ('approved', 'stale')) THEN
        RAISE EXCEPTION 'A request that is % does not become %.', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'approved' AND NOT approvals_has_quorum(NEW.id) THEN
        RAISE EXCEPTION 'This request has not got the approvals it needs.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_request BEFORE INSERT OR UPDATE OR DELETE ON approvals_approvalrequest
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_request();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approvals_guard_request;

CREATE FUNCTION approvals_guard_slack_mode() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What Slack may show of a request never changes.'
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER approvals_guard_slack_mode BEFORE UPDATE ON approvals_approvalrequest
    FOR EACH ROW WHEN (OLD.slack_mode IS DISTINCT FROM NEW.slack_mode)
    EXECUTE FUNCTION approvals_guard_slack_mode();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approvals_guard_slack_mode;
