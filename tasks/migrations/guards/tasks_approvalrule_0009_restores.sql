-- Approval rules: the number of a transaction is that of one server. In a database that was restored a
-- later transaction may have the same number as the one that wrote a rule, in the server of then.
--
-- * The groups and people of a rule are written by the same transaction: by its number, and by the row,
--   which no transaction before this one has written (age(xmin) is then at most 0).

CREATE OR REPLACE FUNCTION tasks_guard_rule_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' OR NOT EXISTS (SELECT FROM tasks_approvalrule
            WHERE id = NEW.approvalrule_id AND written_in = pg_current_xact_id()::text::bigint
                AND age(xmin) <= 0) THEN
        RAISE EXCEPTION 'The groups and people of a rule come with it, and never change.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
