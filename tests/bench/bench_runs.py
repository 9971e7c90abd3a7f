"""`make bench`: how fast whole runs go, from the claim to the record. Not a test: it asserts no figure."""

import logging
import os
import time
from contextlib import contextmanager
from functools import partial
from statistics import median, quantiles

import pytest
from django.db import connection, transaction
from django.db.models import Max, Min
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from approvals import actions as approvals
from approvals import channels
from approvals.channels.email import Email
from approvals.models.deliveries import Delivery
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import LogLine, Run, Task
from tasks.queue import messages
from tasks.runs.seals import seal_of_run
from tasks.sync import sync_tasks
from tests.acceptance.conftest import eventually, url_of_the_database
from tests.acceptance.supervised import Service
from tests.doubles.smtp import SmtpDouble, Tarpit
from tests.people import join, person

pytestmark = pytest.mark.django_db(transaction=True)
MODULE = "tests.bench.operations"
RUNS, PACED, LINES = 1000, 50, 10_000
PEOPLE, EMAILS = 50, 1000
FINISHED = int(os.environ.get("FINISHED_RUNS", 1_000_000))

# Copies of one finished run, each with an id and a time of its own.
MANY_FINISHED = """
INSERT INTO tasks_run SELECT (jsonb_populate_record(run, jsonb_build_object(
    'id', gen_random_uuid(), 'requested_at', run.requested_at - number * interval '1 minute'))).*
FROM tasks_run run, generate_series(1, %s) number WHERE run.id = %s
"""


@pytest.fixture
def people(transactional_db, alice, bob, carol, approvers):
    registry.load([MODULE])
    sync_tasks()
    for task in Task.objects.filter(category="Tests"):
        set_right(task, Right.EXECUTE, to=alice)
    return alice


@contextmanager
def cluster(folder, workers, **more):
    surroundings = os.environ | {
        "DATABASE_URL": url_of_the_database(),
        "WORKERS": str(workers),
        "LOG_LEVEL": "INFO",  # by which the harness sees that its processes are there
        "TASK_MODULES": MODULE,
        **more,
    }
    service = Service("worker", surroundings, folder)
    try:
        service.ready()
        yield
        service.end()
    finally:
        service.clear()


def ask(slug, by, **values):
    task = Task.objects.get(slug=slug)
    return request_run(task.pk, requested_by=by, door=Door.COMMAND, values=values, reason="Bench")


def queued(person, number):
    """So many runs, all of them put in line at one moment."""
    task = Task.objects.get(slug="bench-nothing")
    with transaction.atomic():
        for _ in range(number):
            run = Run(
                task=task, requested_by=person, door=Door.COMMAND, reason="Bench",
                headline="Nothing", values={}, status=Run.Status.QUEUED, needs_approval=False,
                source_hash=task.source_hash, queued_at=Now(), rung_at=Now(),
            )  # fmt: skip
            run.seal = seal_of_run(run)
            run.save(force_insert=True)
            messages.enqueue_run(run.pk, timeout=task.timeout)


def drained(person):
    """Runs a second, from the first claim to the last end, by the database's clock."""
    before = Run.objects.aggregate(last=Max("finished_at"))["last"]
    queued(person, RUNS)
    while Run.objects.filter(status__in=["queued", "running"]).exists():
        time.sleep(0.25)  # seldom: who looks all the time takes it from those who work
    made = Run.objects.filter(finished_at__gt=before) if before else Run.objects.all()
    times = made.aggregate(first=Min("started_at"), last=Max("finished_at"))
    return RUNS / (times["last"] - times["first"]).total_seconds()


def say(text):
    print(f"\n{text}")  # noqa: T201


@pytest.mark.parametrize("workers", [1, 2])
def test_runs_a_second(people, tmp_path, workers):
    with cluster(tmp_path, workers):
        drained(people)
        say(f"{workers} workers: {median(drained(people) for _ in range(3)):.0f} runs/s")


def test_runs_a_second_beside_many_finished_ones(people, tmp_path):
    with cluster(tmp_path, 2):
        drained(people)
        few = median(drained(people) for _ in range(3))
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE tasks_run DISABLE TRIGGER tasks_guard_run")
            cursor.execute(MANY_FINISHED, [FINISHED, Run.objects.first().pk])
            cursor.execute("ALTER TABLE tasks_run ENABLE ALWAYS TRIGGER tasks_guard_run")
            cursor.execute("ANALYZE tasks_run")
        many = median(drained(people) for _ in range(3))
        say(f"{few:.0f} runs/s; beside {FINISHED:,} finished runs {many:.0f} runs/s")


def test_from_the_approval_to_the_first_line(people, bob, tmp_path):
    with cluster(tmp_path, 2):
        say_waits("approval to first line", people, bob)


def say_waits(what, people, bob):
    waits = []
    for _ in range(PACED):
        run = ask("bench-first-line", people)
        begun = time.monotonic()
        approvals.decide(
            run.approval_id, decided_by=bob, verdict="approve", seal=run.seal, door=Door.COMMAND
        )
        run.refresh_from_db()
        eventually(LogLine.objects.filter(run=run).exists)
        line = LogLine.objects.get(run=run)
        waits.append((line.at - run.queued_at).total_seconds() * 1000)
        assert time.monotonic() - begun < 30
    say(f"{what}: p50 {median(waits):.0f} ms, p95 {quantiles(waits, n=20)[-1]:.0f} ms")


@pytest.mark.parametrize(
    ("name", "server"),
    [("a mail server that drips", partial(Tarpit, every=4)), ("a mail server", SmtpDouble)],
)
def test_beside_a_burst_of_a_thousand_emails(people, bob, approvers, tmp_path, name, server):
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    for number in range(PEOPLE):
        join(person(f"Approver{number}"), approvers)
    with (
        server() as mail,
        channels.temporarily(Email()),
        cluster(tmp_path, 2, EMAIL_URL=mail.url),
    ):
        while Delivery.objects.count() < EMAILS:
            ask("bench-first-line", people)
        say_waits(f"approval to first line, {EMAILS:,} emails at once to {name}", people, bob)
        left = Delivery.objects.exclude(status="sent").count()
        say(f"not sent by then: {left:,} of {Delivery.objects.count():,} emails")


def test_ten_thousand_lines(people, tmp_path):
    with cluster(tmp_path, 1):
        run = ask("bench-many-lines", people, number=LINES)
        eventually(lambda: Run.objects.get(pk=run.pk).is_over, within=120)
    run.refresh_from_db()
    assert run.log_lines.count() == LINES
    took = (run.finished_at - run.started_at).total_seconds()
    client = Client()
    client.force_login(people, backend="backoffice.sign_in.NameOrEmailBackend")
    page = reverse("admin:tasks_run_change", args=[run.pk])
    client.get(page)
    begun = time.monotonic()
    answer = client.get(page)
    milliseconds = (time.monotonic() - begun) * 1000
    say(
        f"{LINES:,} lines in {took:.2f} s: {LINES / took:,.0f} a second; "
        f"page {milliseconds:.0f} ms, {len(answer.content) / 1024:.0f} KiB"
    )
