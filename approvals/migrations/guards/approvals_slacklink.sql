-- Links between people and their Slack accounts.
--
-- * A link begins unconfirmed, is confirmed once and ended once, and is never removed.
-- * Whose it is never changes.
-- * The times of the offer and of the confirmation are the database's.

CREATE FUNCTION approvals_guard_slack_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Links to Slack are ended, never removed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.offered_at := clock_timestamp();
        NEW.confirmed_at := NULL;
        NEW.ended_at := NULL;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.person_id, NEW.team, NEW.user, NEW.offered_at)
            IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.team, OLD.user, OLD.offered_at)
        OR (OLD.confirmed_at IS DISTINCT FROM NEW.confirmed_at AND OLD.confirmed_at IS NOT NULL)
        OR (OLD.ended_at IS NOT NULL) THEN
        RAISE EXCEPTION 'A link to Slack is confirmed once and ended once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.confirmed_at IS DISTINCT FROM NEW.confirmed_at THEN
        NEW.confirmed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_slack_link BEFORE INSERT OR UPDATE OR DELETE ON approvals_slacklink
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_slack_link();
ALTER TABLE approvals_slacklink ENABLE ALWAYS TRIGGER approvals_guard_slack_link;
