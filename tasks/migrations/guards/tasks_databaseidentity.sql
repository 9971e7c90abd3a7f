-- Which database this is, and what holds while it was restored from a backup.
--
-- * Each row says what PostgreSQL says of itself in the transaction that writes it. Nobody chooses it.
-- * In a database that was restored, a row is written only together with a stop of everything.
-- * No run begins and no step is sent in a database that was restored, whoever recorded it.
-- * The stop of a restored database is ended only when each run that was unfinished is reconciled.
--
-- A restore writes the newest row into another server (another system_identifier), another database
-- (another database_oid), or in another transaction (written_in), and so it is found. A copy of the
-- server's files is not: there a worker's own count tells (tasks/actions/restores).

-- What PostgreSQL says of the present database. What it does not let this role know stays empty: then
-- nothing but a database that says it, or does not, is taken for another.
CREATE FUNCTION tasks_present_database(
    OUT system_identifier text, OUT database_oid bigint, OUT timeline bigint
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT oid INTO database_oid FROM pg_database WHERE datname = current_database();
    BEGIN
        SELECT control.system_identifier::text INTO system_identifier
        FROM pg_control_system() control;
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
        system_identifier := '';
    END;
    BEGIN
        timeline := ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint;
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function
            OR object_not_in_prerequisite_state THEN
        timeline := 0;
    END;
END $$;

-- Whether the newest row was written elsewhere. Without a row nothing has ever run here.
CREATE FUNCTION tasks_is_restored() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    known record;
    present record;
BEGIN
    SELECT system_identifier, database_oid, written_in, xmin::text::bigint AS truly_written_in
        INTO known FROM tasks_databaseidentity ORDER BY id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * INTO present FROM tasks_present_database();
    RETURN (known.system_identifier, known.database_oid, known.written_in % 4294967296)
        IS DISTINCT FROM
        (present.system_identifier, present.database_oid, known.truly_written_in);
END $$;

-- The same, or that nobody has ended the stop that was put in its way.
CREATE FUNCTION tasks_is_held() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM tasks_databaseidentity identity
        JOIN tasks_stop stop ON stop.id = identity.stop_id WHERE stop.ended_at IS NULL)
        OR tasks_is_restored()
$$;

CREATE FUNCTION tasks_guard_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tasks_is_restored() AND NOT EXISTS (SELECT FROM tasks_stop
            WHERE id = NEW.stop_id AND ended_at IS NULL AND scope = 'everything') THEN
        RAISE EXCEPTION 'This database was restored from a backup: everything is stopped first.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO NEW.system_identifier, NEW.database_oid, NEW.timeline
        FROM tasks_present_database();
    NEW.written_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_identity BEFORE INSERT ON tasks_databaseidentity
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_identity();
ALTER TABLE tasks_databaseidentity ENABLE ALWAYS TRIGGER tasks_guard_identity;

-- In a savepoint the row would carry another transaction number than its own.
CREATE FUNCTION tasks_guard_identity_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tasks_is_restored() THEN
        RAISE EXCEPTION 'The identity of the database is written outside of savepoints.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tasks_guard_identity_written AFTER INSERT ON tasks_databaseidentity
    FOR EACH ROW EXECUTE FUNCTION tasks_guard_identity_written();
ALTER TABLE tasks_databaseidentity ENABLE ALWAYS TRIGGER tasks_guard_identity_written;

CREATE FUNCTION tasks_guard_restored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tasks_is_restored() THEN
        RAISE EXCEPTION 'This database was restored from a backup. Nothing runs until it is reconciled.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_restored BEFORE UPDATE ON tasks_run
    FOR EACH ROW WHEN (NEW.status = 'running' AND OLD.status <> 'running')
    EXECUTE FUNCTION tasks_guard_restored();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_restored;

-- A step of a run that is running: by a worker that was there before the restore.
CREATE FUNCTION tasks_guard_restored_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tasks_is_restored()
            AND EXISTS (SELECT FROM tasks_run WHERE id = NEW.run_id AND status = 'running') THEN
        RAISE EXCEPTION 'This database was restored from a backup. Nothing is sent until it is reconciled.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_restored_step BEFORE INSERT OR UPDATE ON tasks_effect
    FOR EACH ROW WHEN (NEW.sent_at IS NOT NULL AND NEW.answered_at IS NULL)
    EXECUTE FUNCTION tasks_guard_restored_step();
ALTER TABLE tasks_effect ENABLE ALWAYS TRIGGER tasks_guard_restored_step;

CREATE FUNCTION tasks_guard_reconciled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM tasks_run run, tasks_databaseidentity identity
        WHERE identity.id = (SELECT max(id) FROM tasks_databaseidentity WHERE stop_id = NEW.id)
            AND run.status IN ('awaiting', 'queued', 'running', 'paused', 'uncertain')
            AND run.requested_at < identity.recorded_at
            AND NOT EXISTS (SELECT FROM tasks_reconciliation
                WHERE run_id = run.id AND identity_id = identity.id)) THEN
        RAISE EXCEPTION 'Each unfinished run of a restored database is reconciled first.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_reconciled BEFORE UPDATE ON tasks_stop
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION tasks_guard_reconciled();
ALTER TABLE tasks_stop ENABLE ALWAYS TRIGGER tasks_guard_reconciled;
