-- Approval rules: when which groups and people must approve, and how many.
--
-- * A rule begins with an applied proposed_change that says the same name, condition and number of
--   approvals. The rules that come with the code of a new task need none: they are written before
--   anybody has requested a run of it.
-- * A rule never changes: a new version replaces it. It is ended once, by an applied proposed_change, and
--   never removed.
-- * Its groups and people are written by the same transaction, and never changed or removed.

-- written_in is the transaction that wrote the rule; tasks_guard_rule_part asks for it.
CREATE FUNCTION tasks_guard_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Rules are ended, not removed.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.written_in := pg_current_xact_id()::text::bigint;
        IF NEW.ended_at IS NOT NULL OR NOT (CASE WHEN NEW.brought_by_id IS NULL
            THEN NEW.replaces_id IS NULL
                AND NOT EXISTS (SELECT FROM tasks_run WHERE task_id = NEW.task_id)
            ELSE EXISTS (SELECT FROM tasks_proposedchange proposed
                WHERE proposed.id = NEW.brought_by_id AND proposed.applied_at IS NOT NULL
                    AND proposed.kind = 'rule' AND proposed.task_id = NEW.task_id
                    AND proposed.rule_id IS NOT DISTINCT FROM NEW.replaces_id
                    AND proposed.content ->> 'name' = NEW.name
                    AND proposed.content ->> 'condition' = NEW.condition
                    AND (proposed.content ->> 'needed')::integer = NEW.needed) END) THEN
            RAISE EXCEPTION 'A rule is in force when it was proposed and agreed to.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - 'ended_at') <> (to_jsonb(OLD) - 'ended_at') OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'A rule is replaced by a new version, not changed.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.ended_at IS NOT NULL AND NOT EXISTS (SELECT FROM tasks_proposedchange
            WHERE rule_id = NEW.id AND applied_at IS NOT NULL) THEN
        RAISE EXCEPTION 'A rule is ended when that was proposed and agreed to.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_rule BEFORE INSERT OR UPDATE OR DELETE ON tasks_approvalrule
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule();
ALTER TABLE tasks_approvalrule ENABLE ALWAYS TRIGGER tasks_guard_rule;

CREATE FUNCTION tasks_guard_rule_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' OR NOT EXISTS (SELECT FROM tasks_approvalrule
            WHERE id = NEW.approvalrule_id AND written_in = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'The groups and people of a rule come with it, and never change.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_rule_part BEFORE INSERT OR UPDATE OR DELETE ON tasks_approvalrule_groups
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule_part();
ALTER TABLE tasks_approvalrule_groups ENABLE ALWAYS TRIGGER tasks_guard_rule_part;

CREATE TRIGGER tasks_guard_rule_part BEFORE INSERT OR UPDATE OR DELETE ON tasks_approvalrule_people
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule_part();
ALTER TABLE tasks_approvalrule_people ENABLE ALWAYS TRIGGER tasks_guard_rule_part;

CREATE TRIGGER tasks_guard_rule_part BEFORE INSERT OR UPDATE OR DELETE ON tasks_approvalrule_escalate_to
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_rule_part();
ALTER TABLE tasks_approvalrule_escalate_to ENABLE ALWAYS TRIGGER tasks_guard_rule_part;
