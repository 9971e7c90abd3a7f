"""`make bench`: the inbox of a large company, and decisions that meet. Not a test: it asserts no figure."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from statistics import median, quantiles
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.actions import decide, open_request
from approvals.models import ApprovalRequest
from approvals.requests.policy import StageSpec
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import Task
from tasks.sync import sync_tasks
from tests.people import join, person

pytestmark = pytest.mark.django_db(transaction=True)
MODULE = "tests.bench.operations"
REQUESTS, TASKS, AT_ONCE, ROUNDS = 100_000, 2_000, 20, 15

# Copies of one request with all of its parts; one of a hundred waits, the others are decided.
COPIES = """
CREATE TEMPORARY TABLE copy AS SELECT gen_random_uuid() AS id, number, number %% 100 <> 0 AS over
    FROM generate_series(1, %(number)s) number;
INSERT INTO approvals_approvalrequest SELECT (jsonb_populate_record(request, jsonb_build_object(
    'id', copy.id,
    'title', 'Issue credit to customer ' || copy.number,
    'status', CASE WHEN over THEN 'approved' ELSE 'pending' END,
    'opened_at', opened_at - copy.number * interval '1 minute',
    'closed_at', CASE WHEN over THEN opened_at END))).*
    FROM approvals_approvalrequest request, copy WHERE request.id = %(request)s;
CREATE TEMPORARY TABLE place AS
    SELECT copy.id AS request, over, stage.id AS template, nextval('approvals_stage_id_seq') AS id
    FROM copy, approvals_stage stage WHERE stage.request_id = %(request)s;
INSERT INTO approvals_stage SELECT (jsonb_populate_record(stage,
    jsonb_build_object('id', place.id, 'request_id', request))).*
    FROM approvals_stage stage JOIN place ON stage.id = template;
INSERT INTO approvals_stage_groups (stage_id, group_id)
    SELECT place.id, group_id FROM approvals_stage_groups JOIN place ON stage_id = template;
INSERT INTO approvals_reviewer SELECT (jsonb_populate_record(reviewer, jsonb_build_object(
    'id', nextval('approvals_reviewer_id_seq'), 'stage_id', place.id))).*
    FROM approvals_reviewer reviewer JOIN place ON stage_id = template;
INSERT INTO approvals_decision (request_id, stage_id, requested_by_id, decided_by_id, verdict, seal, door, reason)
    SELECT request, place.id, requested_by_id, %(decided_by)s, 'approve', seal, 'admin', ''
    FROM place JOIN approvals_approvalrequest asked ON asked.id = request WHERE over;
INSERT INTO tasks_task SELECT (jsonb_populate_record(task, jsonb_build_object(
    'id', nextval('tasks_task_id_seq'), 'slug', 'copy-' || number))).*
    FROM tasks_task task, generate_series(1, %(tasks)s) number WHERE task.id = %(task)s;
INSERT INTO tasks_taskgrouppermission (content_object_id, group_id, permission_id)
    SELECT task.id, group_id, permission_id FROM tasks_taskgrouppermission, tasks_task task
    WHERE content_object_id = %(task)s AND task.slug LIKE 'copy-%%';
DROP TABLE copy, place;
ANALYZE;
"""
GUARDED = (
    "approvals_approvalrequest", "approvals_stage", "approvals_stage_groups",
    "approvals_reviewer", "approvals_decision",
)  # fmt: skip


@contextmanager
def unguarded():
    """Rows that are put there, and not decided."""
    with connection.cursor() as cursor:
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in GUARDED:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
                [table],
            )
            for (trigger,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


@pytest.fixture
def ask(transactional_db, alice, approvers):
    def open_one(needed=1):
        return open_request(
            title="Issue credit: 150.00 USD",
            shown={"facts": [["Amount", "150.00 USD"]], "changes": [], "task": "Issue credit"},
            seal="5ea1" * 16,
            requested_by=alice,
            door=Door.COMMAND,
            stages=[StageSpec("Managers", needed, [approvers])],
            reason="Bench",
            waits_for=timedelta(days=300),
        )

    return open_one


def say(text):
    print(f"\n{text}")  # noqa: T201


def test_decisions_of_twenty_people_at_once(ask, approvers):
    people = [person(f"Approver{number}") for number in range(AT_ONCE)]
    for each in people:
        join(each, approvers)
    milliseconds = []

    def one(who, request, barrier):
        connection.ensure_connection()
        barrier.wait(timeout=30)
        begun = time.perf_counter()
        decide(request.pk, decided_by=who, verdict="approve", seal=request.seal, door=Door.COMMAND)
        milliseconds.append((time.perf_counter() - begun) * 1000)
        connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            request, barrier = ask(needed=AT_ONCE), Barrier(AT_ONCE)
            list(pool.map(lambda who, r=request, b=barrier: one(who, r, b), people))
            request.refresh_from_db()
            assert request.status == ApprovalRequest.Status.APPROVED
    say(
        f"{AT_ONCE} decisions on one request at once: p50 {median(milliseconds):.0f} ms, "
        f"p95 {quantiles(milliseconds, n=20)[-1]:.0f} ms"
    )


def look(client, **query):
    """The queries of a page, and the median of its milliseconds."""
    address = reverse("admin:approvals_approvalrequest_changelist")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address, query).status_code == 200
    number = len(queries)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        client.get(address, query)
        took.append((time.perf_counter() - begun) * 1000)
    return number, median(took)


PAGES = {
    "to decide": {"tab": "decide"},
    "done": {"tab": "done"},
    "to decide, searched": {"tab": "decide", "q": "customer 4200"},
    "done, searched": {"tab": "done", "q": "customer 4217"},
    "done, by whom": {"tab": "done", "by": "alice"},
}


def test_the_inbox_of_a_large_company(ask, bob, carol, approvers):
    registry.load([MODULE])
    sync_tasks()
    task = Task.objects.get(slug="bench-nothing")
    set_right(task, Right.APPROVE, to=approvers)
    request = ask()
    client = Client()
    client.force_login(bob, backend="backoffice.sign_in.NameOrEmailBackend")
    found = {}
    for number, tasks in (100, 0), (REQUESTS - 100, TASKS):
        with unguarded() as cursor:
            cursor.execute(
                COPIES,
                {"number": number, "tasks": tasks, "request": request.pk, "task": task.pk,
                 "decided_by": carol.pk},
            )  # fmt: skip
        for name, query in PAGES.items():
            found.setdefault(name, []).append(look(client, **query))
    for name, ((few, quick), (many, slow)) in found.items():
        say(
            f"inbox, {name}: with 100 requests {few} queries, {quick:.0f} ms; "
            f"with {REQUESTS:,} and {TASKS:,} tasks {many} queries, {slow:.0f} ms"
        )
