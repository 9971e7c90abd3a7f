"""`make bench`: how fast messages go through the queue. Not a test: it asserts no figure."""

import os
from statistics import median, quantiles
from time import monotonic, sleep

import pytest
from django.db import transaction
from django_q.models import OrmQ
from django_q.tasks import async_task

from tests.acceptance.conftest import eventually, url_of_the_database
from tests.acceptance.supervised import Service

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGES, PACED, ROUNDS = 2000, 100, 3
STOCK = {"DJANGO_SETTINGS_MODULE": "tests.bench.stock_settings"}


@pytest.fixture(scope="session")
def table():
    rows = []
    yield rows
    print(f"\n\n{'':<34}{'workers':>8}{'tasks/s':>9}{'p50 ms':>8}{'p95 ms':>8}")  # noqa: T201
    for name, workers, rate, p50, p95 in sorted(rows):
        print(f"{name:<34}{workers:>8}{rate:>9.0f}{p50:>8.1f}{p95:>8.1f}")  # noqa: T201


def drained():
    """Messages a second, from the commit until the last one is acknowledged."""
    with transaction.atomic():
        for _ in range(MESSAGES):
            async_task("tests.bench.work.nothing")
    begun = monotonic()
    eventually(lambda: not OrmQ.objects.exists(), within=120)
    return MESSAGES / (monotonic() - begun)


def delays(file):
    """Seconds from before each message is put in until its function begins, one at a time."""
    for number in range(PACED):
        async_task("tests.bench.work.note_delay", monotonic(), str(file))
        eventually(lambda: file.exists() and file.read_text().count("\n") > number)  # noqa: B023
        sleep(0.02)
    return [float(line) for line in file.read_text().split()]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("name", "command", "environment"),
    [
        ("manage.py worker", "worker", {}),
        ("manage.py qcluster, stock broker", "qcluster", STOCK),
    ],
)
def test_queue(transactional_db, tmp_path, table, name, command, environment, workers):
    surroundings = os.environ | {
        "DATABASE_URL": url_of_the_database(),
        "WORKERS": str(workers),
        "LOG_LEVEL": "INFO",
    }
    service = Service(command, surroundings | environment, tmp_path)
    try:
        service.ready()
        rate = median(drained() for _ in range(ROUNDS))
        waits = [seconds * 1000 for seconds in delays(tmp_path / "delays")]
        table.append((name, workers, rate, median(waits), quantiles(waits, n=20)[-1]))
        service.end()
    finally:
        service.clear()
