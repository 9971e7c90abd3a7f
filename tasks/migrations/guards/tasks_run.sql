-- Runs: one use of a task with fixed parameters.
--
-- * A run begins as awaiting approval, with a request that has its seal and its requester, or as
--   queued where no approval is needed. It is never removed.
-- * It revises only an earlier run of the same requester and task that had a request, and that was
--   returned or cancelled.
-- * What runs, for whom, why, its limits and its ticket never change.
-- * It makes only the moves that docs/reference/states.md lists.
-- * Where it needs approval, it is queued, running or paused only with an approved request under
--   its own seal, or with an emergency on record.
-- * It leaves uncertain only through a resolution that was applied since.
-- * It pauses only with an open pause on record, which says why; it goes on only when somebody
--   resumed that pause, and ends only when that pause was ended.
-- * It does not begin while its task is stopped.

CREATE FUNCTION tasks_guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Runs are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> (CASE WHEN NEW.needs_approval THEN 'awaiting' ELSE 'queued' END) THEN
            RAISE EXCEPTION 'A run begins as awaiting approval, or queued where none is needed.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.needs_approval THEN
            SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
            IF asked.seal <> NEW.seal OR asked.requested_by_id <> NEW.requested_by_id THEN
                RAISE EXCEPTION 'The request is about something else.'
                    USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        IF NEW.revises_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM tasks_run WHERE id = NEW.revises_id AND task_id = NEW.task_id
                    AND requested_by_id = NEW.requested_by_id AND approval_id IS NOT NULL
                    AND status IN ('returned', 'cancelled')) THEN
            RAISE EXCEPTION 'Only who asked asks anew, for the same task, when the first is closed.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.task_id, NEW.requested_by_id, NEW.door, NEW.reason, NEW.headline, NEW.values,
            NEW.preview, NEW.limits, NEW.source_hash, NEW.seal, NEW.needs_approval, NEW.approval_id,
            NEW.requested_at, NEW.again_of_id, NEW.undoes_id, NEW.revises_id,
            NEW.concurrency_key)
        IS DISTINCT FROM (OLD.id, OLD.task_id, OLD.requested_by_id, OLD.door, OLD.reason,
            OLD.headline, OLD.values, OLD.preview, OLD.limits, OLD.source_hash, OLD.seal, OLD.needs_approval,
            OLD.approval_id, OLD.requested_at, OLD.again_of_id, OLD.undoes_id,
            OLD.revises_id, OLD.concurrency_key) THEN
        RAISE EXCEPTION 'What a run does never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (
            ('awaiting', 'queued'), ('awaiting', 'rejected'), ('awaiting', 'returned'),
            ('awaiting', 'cancelled'), ('awaiting', 'expired'), ('queued', 'running'), ('queued', 'cancelled'),
            ('queued', 'stale'), ('queued', 'uncertain'), ('running', 'succeeded'), ('running', 'failed'),
            ('running', 'uncertain'), ('running', 'cancelled'), ('running', 'queued'),
            ('running', 'paused'), ('paused', 'queued'), ('paused', 'cancelled'),
            ('paused', 'expired'), ('paused', 'stale'), ('paused', 'uncertain'),
            ('uncertain', 'succeeded'), ('uncertain', 'failed'), ('uncertain', 'queued')) THEN
        RAISE EXCEPTION 'A run that is % does not become %.', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.needs_approval AND NEW.status IN ('queued', 'running', 'paused') AND NOT EXISTS (
            SELECT FROM approvals_approvalrequest
            WHERE id = NEW.approval_id AND status = 'approved' AND seal = NEW.seal)
        AND NOT EXISTS (SELECT FROM tasks_emergency WHERE run_id = NEW.id) THEN
        RAISE EXCEPTION 'This run has not been approved.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_run BEFORE INSERT OR UPDATE OR DELETE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_run();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_run;

CREATE FUNCTION tasks_guard_doubt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'uncertain' AND NEW.status <> 'uncertain' AND NOT EXISTS (
            SELECT FROM tasks_resolution
            WHERE run_id = NEW.id AND applied_at >= OLD.finished_at) THEN
        RAISE EXCEPTION 'Nobody has resolved this run.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_doubt BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_doubt();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_doubt;

CREATE FUNCTION tasks_guard_paused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'paused' AND OLD.status <> 'paused' AND NOT EXISTS (
            SELECT FROM tasks_pause
            WHERE run_id = NEW.id AND resumed_at IS NULL AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'Nothing says why this run pauses.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'paused' AND NEW.status = 'queued' AND (
            SELECT resumed_at FROM tasks_pause WHERE run_id = NEW.id ORDER BY id DESC LIMIT 1
        ) IS NULL THEN
        RAISE EXCEPTION 'Nobody has let this run go on.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'paused' AND NEW.status NOT IN ('paused', 'queued') AND EXISTS (
            SELECT FROM tasks_pause
            WHERE run_id = NEW.id AND resumed_at IS NULL AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'The pause of this run is still open.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_paused BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_paused();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_paused;

-- A stop that was committed is seen by each claim after it: the row is read by the claim's own update.
CREATE FUNCTION tasks_guard_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'running' AND OLD.status <> 'running' AND EXISTS (
            SELECT FROM tasks_stop stop, tasks_task task
            WHERE task.id = NEW.task_id AND stop.ended_at IS NULL AND (stop.scope = 'everything'
                OR stop.task_id = task.id OR (stop.scope = 'category' AND stop.category = task.category)
                OR (stop.scope = 'money' AND task.moves_money))) THEN
        RAISE EXCEPTION 'This task is stopped.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_stopped BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_stopped();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_stopped;

CREATE FUNCTION tasks_guard_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ticket <> OLD.ticket THEN
        RAISE EXCEPTION 'The ticket of a run never changes.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_ticket BEFORE UPDATE ON tasks_run
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_ticket();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_ticket;
