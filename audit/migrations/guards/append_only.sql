-- Tables that only grow: the events, every history table, and a few more.
--
-- * A row is never changed or removed, by nobody: the triggers work for the owner of the tables and
--   for a session that plays replica.
-- * The table is never emptied, but in a database of tests.
-- * The time at which a row was recorded is the database's, not the writer's.
-- * The role of web and worker has no right to more than read and add.
--
-- audit/database/append_only.py puts the triggers on a table.

CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed or removed. Record what happened in a new row.',
        TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Test runners empty every table between two tests, and call their database test_something.
CREATE FUNCTION audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() LIKE 'test\_%' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The table % is never emptied.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := clock_timestamp();
    RETURN NEW;
END $$;

-- Takes from a role every right on these tables but to read and to add. Whoever grants rights on all
-- tables calls this afterwards.
CREATE FUNCTION audit_withhold(app_role text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    guarded regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app_role) THEN
        RETURN;
    END IF;
    FOR guarded IN SELECT tgrelid FROM pg_trigger WHERE tgname = 'audit_refuse_change' LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %s FROM %I',
            guarded, app_role);
    END LOOP;
END $$;
