-- Decisions: one person's approval, rejection or wish for changes.
--
-- * A decision is never changed or removed, and its time is the database's.
-- * It is on a request that is pending and not expired, and on what was shown: the seals are equal.
-- * Nobody decides their own request. Who decides is a reviewer of this stage whose turn has come,
--   with an active account.
-- * One person decides one request once, and so does one place, whether the reviewer or the delegate
--   decides; in another stage again only where that stage allows it.
-- * A delegate decides only while the reviewer is absent and has an active account.
-- * Where the stage asks for fresh proof of who somebody is, an approval has one of the last 15
--   minutes. The application asks for a younger one: FRESH_PROOF_SECONDS.
-- * A decision in Slack is made only where the request allows it and no fresh proof is needed, by
--   somebody who has linked a Slack account.

-- Locks the request, so that of two decisions at the same time the second one sees the first.
CREATE FUNCTION approvals_guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'A decision is never changed or removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.request_id FOR UPDATE;
    IF asked.status <> 'pending' OR asked.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'This request is not waiting.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.requested_by_id <> asked.requested_by_id OR NEW.decided_by_id = asked.requested_by_id THEN
        RAISE EXCEPTION 'Nobody decides their own request.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.seal <> asked.seal THEN
        RAISE EXCEPTION 'What was shown is not what is asked.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM approvals_reviewer reviewer
        JOIN approvals_stage stage ON stage.id = reviewer.stage_id
        JOIN backoffice_user person ON person.id = reviewer.person_id
        WHERE stage.id = NEW.stage_id AND stage.request_id = NEW.request_id
            AND reviewer.person_id = NEW.decided_by_id AND person.is_active
            AND (reviewer.not_before IS NULL OR reviewer.not_before <= clock_timestamp())) THEN
        RAISE EXCEPTION 'This person may not decide this request.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM approvals_decision earlier
        WHERE earlier.request_id = NEW.request_id AND earlier.decided_by_id = NEW.decided_by_id
            AND NOT (SELECT may_serve_twice FROM approvals_stage WHERE id = NEW.stage_id)) THEN
        RAISE EXCEPTION 'This person has decided this request already.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.verdict = 'approve' AND (SELECT fresh_proof FROM approvals_stage WHERE id = NEW.stage_id)
            AND NOT EXISTS (
                SELECT FROM approvals_proof proof
                WHERE proof.id = NEW.proof_id AND proof.person_id = NEW.decided_by_id
                    AND proof.recorded_at > clock_timestamp() - interval '15 minutes') THEN
        RAISE EXCEPTION 'Who agrees here proves first who they are.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.decided_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_decision BEFORE INSERT OR UPDATE OR DELETE ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_decision();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_decision;

-- The request is locked by approvals_guard_decision, which comes first: triggers fire by their name.
CREATE FUNCTION approvals_guard_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_reviewer
        WHERE stage_id = NEW.stage_id AND person_id = NEW.decided_by_id
            AND on_behalf_of_id IS NOT DISTINCT FROM NEW.on_behalf_of_id) THEN
        RAISE EXCEPTION 'This place is not this person''s.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.on_behalf_of_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM approvals_absence absence
        JOIN backoffice_user away ON away.id = absence.person_id
        WHERE absence.person_id = NEW.on_behalf_of_id AND absence.delegate_id = NEW.decided_by_id
            AND away.is_active AND absence.ended_at IS NULL
            AND clock_timestamp() BETWEEN absence.starts_at AND absence.ends_at) THEN
        RAISE EXCEPTION 'Nobody is away for whom this person decides.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM approvals_decision earlier
        WHERE earlier.request_id = NEW.request_id
            AND ARRAY[NEW.decided_by_id, NEW.on_behalf_of_id]
                && ARRAY[earlier.decided_by_id, earlier.on_behalf_of_id]
            AND (earlier.stage_id = NEW.stage_id OR NOT (
                SELECT may_serve_twice FROM approvals_stage WHERE id = NEW.stage_id))) THEN
        RAISE EXCEPTION 'This place has decided this request already.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_place BEFORE INSERT ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_place();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_place;

CREATE FUNCTION approvals_guard_slack_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_approvalrequest request
        JOIN approvals_stage stage ON stage.request_id = request.id
        WHERE request.id = NEW.request_id AND stage.id = NEW.stage_id
            AND request.slack_mode = 'decide' AND NOT stage.fresh_proof) THEN
        RAISE EXCEPTION 'This request is not decided in Slack.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM approvals_slacklink link
        WHERE link.person_id = NEW.decided_by_id AND link.confirmed_at IS NOT NULL
            AND link.ended_at IS NULL) THEN
        RAISE EXCEPTION 'This person has linked no Slack account.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_slack_decision BEFORE INSERT ON approvals_decision
    FOR EACH ROW WHEN (NEW.door = 'slack')
    EXECUTE FUNCTION approvals_guard_slack_decision();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_slack_decision;
