"""The database refuses a run without its quorum, whoever writes. Attacks 1, 5, 10."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.context import Door
from tasks.models import ApprovalRule, Run
from tests.rules import end_rule

pytestmark = pytest.mark.django_db(transaction=True)


def refuses(sql: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("status", ["queued", "running", "succeeded"])
def test_a_run_without_approval_goes_nowhere(ask, status):
    ask("150.00")
    refuses(f"UPDATE tasks_run SET status = '{status}', worker = 'w', started_at = now()")  # noqa: S608


@pytest.mark.parametrize(
    "change",
    ["values = '{}'", "seal = 'x'", "requested_by_id = requested_by_id + 1", "preview = '[]'",
     "needs_approval = false, approval_id = NULL", "source_hash = 'x'", "headline = 'x'",
     "form_token = 'x'"],
)  # fmt: skip
def test_what_a_run_does_never_changes(ask, change):
    ask("150.00")
    refuses(f"UPDATE tasks_run SET {change}")  # noqa: S608


def test_a_run_is_never_removed(ask):
    ask("150.00")
    refuses("DELETE FROM tasks_run")


def test_a_finished_run_does_not_begin_again(ask, work):
    work(ask("50.00"))
    refuses("UPDATE tasks_run SET status = 'queued'")
    refuses("UPDATE tasks_run SET status = 'running'")


@pytest.mark.parametrize(
    "change",
    ["output = '{}'", "error = 'x'", "traceback = 'x'", "finished_at = now()", "attempt = 0",
     "started_at = now()"],
)  # fmt: skip
def test_what_became_of_a_run_never_changes(ask, work, change):
    work(ask("50.00"))
    refuses(f"UPDATE tasks_run SET {change}")  # noqa: S608 - our own list


def test_a_request_serves_one_run(ask, approve):
    run = ask("150.00")
    approve(run)
    copy = Run.objects.get(pk=run.pk)
    copy.pk = None
    copy.status = Run.Status.AWAITING_APPROVAL
    with pytest.raises(DatabaseError), transaction.atomic():
        copy.save(force_insert=True)


def test_a_run_cannot_borrow_the_approval_of_something_else(ask, approve):
    run, other = ask("150.00"), ask("4000.00")
    with pytest.raises(DatabaseError), transaction.atomic():
        Run.objects.bulk_create(
            [
                Run(
                    task=run.task,
                    requested_by=run.requested_by,
                    door="admin",
                    headline="x",
                    values=other.values,
                    source_hash=run.source_hash,
                    seal=other.seal,
                    needs_approval=True,
                    approval=run.approval,
                    status=Run.Status.AWAITING_APPROVAL,
                )
            ]
        )


def test_a_run_does_not_begin_as_running_or_done(ask):
    run = ask("150.00")
    for status in ("running", "succeeded", "queued"):
        refuses(
            "INSERT INTO tasks_run SELECT (jsonb_populate_record(r, jsonb_build_object('id', "  # noqa: S608
            f"gen_random_uuid(), 'status', '{status}', 'worker', 'w', 'started_at', now()))).* "
            f"FROM tasks_run r WHERE id = '{run.pk}'"
        )


def test_a_rule_is_ended_and_never_changed_or_removed(task, root):
    rule = ApprovalRule.objects.get(task=task)
    refuses("UPDATE tasks_approvalrule SET needed = 9")
    refuses("DELETE FROM tasks_approvalrule_groups; DELETE FROM tasks_approvalrule")
    refuses("UPDATE tasks_approvalrule SET ended_at = now()")
    end_rule(rule.pk, by=root, door=Door.ADMIN)
    refuses("UPDATE tasks_approvalrule SET ended_at = NULL")
