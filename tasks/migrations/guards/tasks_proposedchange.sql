-- ProposedChanges: changes of rules, rights, groups, accounts and delegates that take two people.
--
-- * A proposed_change with a request begins open; the request is pending and made by who proposes.
-- * Without a request a change is made at once, and only where nobody else has ever administered
--   this task.
-- * What was proposed never changes. It is applied or dropped, once, and never removed.
-- * It is applied only when its request is approved.

-- Whether somebody else has ever administered this task: as a superuser, or by a right of their own
-- or of their group. Closed accounts and rights that were taken away stay in the history.
CREATE FUNCTION tasks_was_shared(task bigint, person bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM backoffice_historicaluser
            WHERE is_superuser AND is_active AND id <> person)
        OR EXISTS (SELECT FROM tasks_historicaltaskuserpermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            WHERE held.content_object_id = task AND permission.codename = 'change_task'
                AND held.user_id <> person)
        OR EXISTS (SELECT FROM tasks_historicaltaskgrouppermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            JOIN backoffice_historicalmembership member ON member.group_id = held.group_id
            WHERE held.content_object_id = task AND permission.codename = 'change_task'
                AND member.user_id <> person)
$$;

CREATE FUNCTION tasks_guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals_approvalrequest;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'ProposedChanges are never removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO asked FROM approvals_approvalrequest WHERE id = NEW.approval_id;
    IF TG_OP = 'INSERT' THEN
        IF NEW.approval_id IS NULL AND (NEW.applied_at IS NULL
                OR tasks_was_shared(NEW.task_id, NEW.proposed_by_id)) THEN
            RAISE EXCEPTION 'A change of this task takes two people who administer it.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.approval_id IS NOT NULL AND (NEW.applied_at IS NOT NULL OR asked.status <> 'pending'
                OR asked.requested_by_id <> NEW.proposed_by_id) THEN
            RAISE EXCEPTION 'A proposed_change begins with its own question.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['applied_at', 'dropped_at'])
            <> (to_jsonb(OLD) - ARRAY['applied_at', 'dropped_at'])
            OR OLD.applied_at IS NOT NULL OR OLD.dropped_at IS NOT NULL THEN
        RAISE EXCEPTION 'What was proposed never changes, and is made or dropped once.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.applied_at IS NOT NULL AND asked.status <> 'approved' THEN
        RAISE EXCEPTION 'Nobody has agreed to this change.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_change BEFORE INSERT OR UPDATE OR DELETE ON tasks_proposedchange
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_change();
ALTER TABLE tasks_proposedchange ENABLE ALWAYS TRIGGER tasks_guard_change;
