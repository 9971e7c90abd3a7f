-- The stages of a request: the number of a transaction is that of one server. In a database that was
-- restored a later transaction may have the same number as the one that opened a request, in the server
-- of then.
--
-- * Who may decide a request is written by the transaction that opens it: by its number, and by the
--   row, which no transaction before this one has written (age(xmin) is then at most 0).

CREATE OR REPLACE FUNCTION approvals_guard_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'Who may decide a request never changes.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_TABLE_NAME = 'approvals_stage' THEN
        wanted := NEW.request_id;
    ELSE
        SELECT request_id INTO wanted FROM approvals_stage WHERE id = NEW.stage_id;
    END IF;
    IF NOT EXISTS (SELECT FROM approvals_approvalrequest WHERE id = wanted
            AND opened_in = pg_current_xact_id()::text::bigint AND age(xmin) <= 0) THEN
        RAISE EXCEPTION 'Who may decide a request is said when it is opened, not later.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
