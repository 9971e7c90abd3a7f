"""One more finding; and nothing takes a run out of doubt but a settlement that was applied."""

from django.db import migrations, models

FINDINGS = [
    ("go_on", "It happened: record what was found, and go on with the rest"),
    ("happened", "It happened: record it as done, and do nothing more"),
    ("did_not", "It did not happen, and is not to be tried again"),
    ("again", "It did not happen: send it again under the same key"),
    ("new_key", "It did not happen: send it again under a new key"),
]

# A proposal is asked about by its author, begins open, and is not decided by who asked for the run.
SETTLEMENT = r"""
CREATE FUNCTION tasks_guard_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.approval_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.applied_at IS NOT NULL OR NOT EXISTS (
                SELECT FROM approvals_approvalrequest
                WHERE id = NEW.approval_id AND requested_by_id = NEW.settled_by_id) THEN
            RAISE EXCEPTION 'This settlement has not been approved.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.applied_at IS NOT NULL AND EXISTS (
            SELECT FROM approvals_decision decision JOIN tasks_run run ON run.id = NEW.run_id
            WHERE decision.request_id = NEW.approval_id
                AND decision.decided_by_id = run.requested_by_id) THEN
        RAISE EXCEPTION 'Nobody decides about their own run.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_proposal BEFORE INSERT OR UPDATE
    ON tasks_settlement FOR EACH ROW EXECUTE FUNCTION tasks_guard_proposal();
ALTER TABLE tasks_settlement ENABLE ALWAYS TRIGGER tasks_guard_proposal;
"""

NO_SETTLEMENT = """
DROP TRIGGER tasks_guard_proposal ON tasks_settlement;
DROP FUNCTION tasks_guard_proposal();
"""

RUN = r"""
CREATE FUNCTION tasks_guard_doubt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'uncertain' AND NEW.status <> 'uncertain' AND NOT EXISTS (
            SELECT FROM tasks_settlement
            WHERE run_id = NEW.id AND applied_at >= OLD.finished_at) THEN
        RAISE EXCEPTION 'Nobody has settled this run.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tasks_guard_doubt BEFORE UPDATE
    ON tasks_run FOR EACH ROW EXECUTE FUNCTION tasks_guard_doubt();
ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_doubt;
"""

NO_RUN = """
DROP TRIGGER tasks_guard_doubt ON tasks_run;
DROP FUNCTION tasks_guard_doubt();
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0005_engine_guard")]

    operations = [
        *(
            migrations.AlterField(
                model_name=name,
                name="finding",
                field=models.CharField(choices=FINDINGS, max_length=10),
            )
            for name in ("settlement", "historicalsettlement")
        ),
        migrations.RunSQL(SETTLEMENT, NO_SETTLEMENT),
        migrations.RunSQL(RUN, NO_RUN),
    ]
