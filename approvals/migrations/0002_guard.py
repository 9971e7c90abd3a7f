"""Four eyes, refused by the database too: whoever writes, and however they got there.

The guard does not know who belongs to which group now; it knows who could decide when the request
was opened. `approvals.requests.policy` asks the rest.
"""

from django.db import migrations

from audit.database.append_only import append_only

REQUEST = r"""
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
            ('pending', 'withdrawn'), ('pending', 'expired'), ('approved', 'stale')) THEN
        RAISE EXCEPTION 'A request that is % does not become %.', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'approved' AND NOT approvals_has_quorum(NEW.id) THEN
        RAISE EXCEPTION 'This request has not got the approvals it needs.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION approvals_has_quorum(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT count(*) > 0
        AND bool_and(stage.needed <= (
            SELECT count(DISTINCT decided_by_id) FROM approvals_decision
            WHERE stage_id = stage.id AND request_id = wanted AND verdict = 'approve'))
        AND NOT EXISTS (SELECT FROM approvals_decision
            WHERE request_id = wanted AND verdict = 'reject')
    FROM approvals_stage stage WHERE stage.request_id = wanted
$$;

CREATE TRIGGER approvals_guard_request BEFORE INSERT OR UPDATE OR DELETE
    ON approvals_approvalrequest FOR EACH ROW EXECUTE FUNCTION approvals_guard_request();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approvals_guard_request;
"""

NO_REQUEST = """
DROP TRIGGER approvals_guard_request ON approvals_approvalrequest;
DROP FUNCTION approvals_guard_request();
DROP FUNCTION approvals_has_quorum(uuid);
"""

# Stages, and those who may decide in them, are written by the transaction that opens the request
# and by no other: nobody is let in later.
PARTS = r"""
CREATE FUNCTION approvals_guard_part() RETURNS trigger LANGUAGE plpgsql AS $$
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
            AND opened_in = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'Who may decide a request is said when it is opened, not later.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

PART = """
CREATE TRIGGER approvals_guard_part BEFORE INSERT OR UPDATE OR DELETE
    ON {table} FOR EACH ROW EXECUTE FUNCTION approvals_guard_part();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER approvals_guard_part;
"""

PART_TABLES = (
    "approvals_stage",
    "approvals_stage_groups",
    "approvals_stage_people",
    "approvals_reviewer",
)

DECISION = r"""
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
            AND reviewer.person_id = NEW.decided_by_id AND person.is_active) THEN
        RAISE EXCEPTION 'This person may not decide this request.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.decided_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_guard_decision BEFORE INSERT OR UPDATE OR DELETE
    ON approvals_decision FOR EACH ROW EXECUTE FUNCTION approvals_guard_decision();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_guard_decision;
"""

NO_DECISION = """
DROP TRIGGER approvals_guard_decision ON approvals_decision;
DROP FUNCTION approvals_guard_decision();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0001_initial"),
        ("audit", "0002_append_only"),
        ("backoffice", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(REQUEST, NO_REQUEST),
        migrations.RunSQL(PARTS, "DROP FUNCTION approvals_guard_part();"),
        *(
            migrations.RunSQL(
                PART.format(table=table), f"DROP TRIGGER approvals_guard_part ON {table};"
            )
            for table in PART_TABLES
        ),
        migrations.RunSQL(DECISION, NO_DECISION),
        *append_only("approvals_historicalapprovalrequest", "approvals_historicaldecision"),
    ]
